/* kiln eval: a checkpoint, or nearest neighbours, on a split of a data set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "events.h"
#include "fields.h"
#include "files.h"
#include "kiln.h"

#define CLASSES_MAX 1000
#define CLASSES_SHOWN 20 /* in a table: of more only how many are right */
#define NAME_SIZE 64

static int read_split(const cli_arguments *a, int *split)
{
    static const char *const names[] = {"train", "validation", "test"};
    const char *wanted = a->value[CLI_SPLIT];

    *split = KILN_TEST;
    for (int i = 0; wanted && i < 3; i++)
        if (strcmp(wanted, names[i]) == 0) {
            *split = i;
            return 0;
        }
    if (!wanted) return 0;
    fprintf(stderr, "kiln: --split: train, validation or test, not \"%s\"\n", wanted);
    return CLI_USAGE;
}

/* ---- nearest neighbours ---------------------------------------------------------------------- */

static void print_neighbours(int k, int train, int count, int correct)
{
    kiln_json *j = cli_event("done");

    kiln_json_int(j, "k", k);
    kiln_json_int(j, "train", train);
    kiln_json_int(j, "count", count);
    kiln_json_int(j, "correct", correct);
    kiln_json_number(j, "accuracy", (double)correct / count);
    cli_event_end(j);
}

static int eval_knn(cli_arguments *a)
{
    int k = 1, correct, data, train, test, code;

    if ((code = cli_own_int(a, CLI_KNN, 1, 100000, &k))) return code;
    if ((code = cli_use_threads(a))) return code;
    /* the course's subsets, where none are named */
    if (!cli_given(a, "train", NULL, 0) && cli_arguments_add(a, "train", "5000")) return CLI_USAGE;
    if (!cli_given(a, "test", NULL, 0) && cli_arguments_add(a, "test", "500")) return CLI_USAGE;
    data = cli_data_open(a);
    if (data < 0) return -data;
    train = cli_split_count(data, KILN_TRAIN);
    test = cli_split_count(data, KILN_TEST);
    correct = kiln_data_knn(data, k, train, 0, test, NULL);
    if (correct < 0) {
        code = cli_fail(correct);
    } else {
        if (a->value[CLI_JSON])
            print_neighbours(k, train, test, correct);
        else
            printf("kNN, k = %d, %d training images: %d of %d test images, %.1f %%\n", k, train,
                   correct, test, 100.0 * correct / test);
    }
    kiln_data_destroy(data);
    return code;
}

/* ---- a checkpoint ---------------------------------------------------------------------------- */

static int read_names(int data, char name[][NAME_SIZE])
{
    int count = 0;

    if (kiln_data_info(data) < 0) return 0;
    for (const char *c = cli_first(cli_field(kiln_text(), "classes")); c && count < CLASSES_MAX;
         c = cli_next(c))
        cli_text(name[count++], NAME_SIZE, c);
    return count;
}

/* The first `width` characters of a name, filled up with spaces before it or behind it. */
static void print_cell(const char *name, int width, int before)
{
    int bytes = 0, count = 0;

    while (name[bytes] && (count < width || (name[bytes] & 0xc0) == 0x80))
        count += (name[bytes++] & 0xc0) != 0x80; /* bytes that go on a character do not count */
    printf("%*s%.*s%*s", before ? width - count : 0, "", bytes, name, before ? 0 : width - count,
           "");
}

static void print_confusion(const int *confusion, char name[][NAME_SIZE], int classes)
{
    const int shown = classes > CLASSES_SHOWN ? 0 : classes;

    printf("\n%-12s", shown ? "is \\ seen as" : "class");
    for (int c = 0; c < shown; c++) {
        printf(" ");
        print_cell(name[c], 5, 1);
    }
    printf("   right\n");
    for (int r = 0; r < classes; r++) {
        int total = 0;

        print_cell(name[r], 12, 0);
        for (int c = 0; c < classes; c++) {
            if (shown) printf(" %5d", confusion[r * classes + c]);
            total += confusion[r * classes + c];
        }
        printf("  %5.1f %%\n", total ? 100.0 * confusion[r * classes + r] / total : 0);
    }
}

/* The views of each image, and the share that they were averaged over; 0 views: as the run's
 * options say. */
typedef struct {
    int views;
    double share;
} look;

static int read_look(look *l, const cli_arguments *a)
{
    const int code = cli_own_int(a, CLI_VIEWS, 1, 10, &l->views);

    return code ? code : cli_own_share(a, CLI_SHARE, &l->share);
}

static int fill_look(look *l, const cli_session *s)
{
    char text[2][32];

    if (l->views) return 0;
    if (kiln_trainer_options(s->trainer) < 0) return cli_fail(KILN_E_MEMORY);
    l->views = atoi(cli_field_text(text[0], sizeof text[0], kiln_text(), "eval-views"));
    l->share = atof(cli_field_text(text[1], sizeof text[1], kiln_text(), "eval-share"));
    return 0;
}

static void print_json(const char *split, int count, int correct, double loss, look l,
                       const int *confusion, int classes)
{
    kiln_json *j = cli_event("done");

    kiln_json_string(j, "split", split);
    kiln_json_int(j, "count", count);
    kiln_json_int(j, "correct", correct);
    kiln_json_number(j, "accuracy", (double)correct / count);
    kiln_json_number(j, "loss", loss / count);
    kiln_json_int(j, "views", l.views);
    kiln_json_number(j, "share", l.share);
    kiln_json_string(j, "mode", kiln_mode());
    kiln_json_array(j, "confusion");
    for (int r = 0; r < classes; r++) {
        kiln_json_array(j, NULL);
        for (int c = 0; c < classes; c++) kiln_json_int(j, NULL, confusion[r * classes + c]);
        kiln_json_close(j);
    }
    kiln_json_close(j);
    cli_event_end(j);
}

static int eval_checkpoint(const cli_arguments *a, const cli_session *s, int split, look l)
{
    static const char *const split_name[] = {"train", "validation", "test"};
    static int confusion[CLASSES_MAX * CLASSES_MAX];
    static char name[CLASSES_MAX][NAME_SIZE];
    const int classes = read_names(s->data, name), count = cli_split_count(s->data, split);
    double loss;
    int correct, code;

    if ((code = fill_look(&l, s))) return code;
    if (count <= 0) {
        fprintf(stderr, "kiln: this data set has no %s images\n", split_name[split]);
        return CLI_BAD_DATA;
    }
    correct = cli_evaluate(s, split, l.views, l.share, &loss, confusion);
    if (correct < 0) return cli_fail(correct);
    if (a->value[CLI_JSON]) {
        print_json(split_name[split], count, correct, loss, l, confusion, classes);
        return 0;
    }
    printf("%s: %d of %d images right, %.2f %%, loss %.4f%s\n", split_name[split], correct, count,
           100.0 * correct / count, loss / count, l.views == 1 ? "" : " in one view");
    print_confusion(confusion, name, classes);
    return 0;
}

int cli_eval(cli_arguments *a)
{
    cli_session session;
    look l = {0, 1};
    int split, code;

    if (a->value[CLI_KNN]) return eval_knn(a);
    if (!a->value[CLI_RESUME]) {
        fprintf(stderr, "kiln eval: which checkpoint? kiln eval model.safetensors, or --knn 5\n");
        return CLI_USAGE;
    }
    if ((code = read_split(a, &split)) || (code = read_look(&l, a))) return code;
    if ((code = cli_session_load(&session, a))) return code;
    code = eval_checkpoint(a, &session, split, l);
    cli_session_close(&session);
    return code;
}
