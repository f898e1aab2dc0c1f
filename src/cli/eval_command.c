/* kiln eval: a checkpoint, or nearest neighbours, on a split of a data set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "fields.h"
#include "files.h"
#include "kiln.h"

#define CLASSES_MAX 100
#define NAME_SIZE 24

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
        const double accuracy = (double)correct / test;

        if (a->value[CLI_JSON])
            printf("{\"event\":\"done\",\"k\":%d,\"train\":%d,\"count\":%d,\"correct\":%d,"
                   "\"accuracy\":%.10g}\n", k, train, test, correct, accuracy);
        else
            printf("kNN, k = %d, %d training images: %d of %d test images, %.1f %%\n", k, train,
                   correct, test, 100 * accuracy);
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

static void print_confusion(const int *confusion, char name[][NAME_SIZE], int classes)
{
    printf("\n%-12s", "is \\ seen as");
    for (int c = 0; c < classes; c++) printf(" %5.5s", name[c]);
    printf("   right\n");
    for (int r = 0; r < classes; r++) {
        int total = 0;

        printf("%-12.12s", name[r]);
        for (int c = 0; c < classes; c++) {
            printf(" %5d", confusion[r * classes + c]);
            total += confusion[r * classes + c];
        }
        printf("  %5.1f %%\n", total ? 100.0 * confusion[r * classes + r] / total : 0);
    }
}

static void print_json(const char *split, int count, int correct, double loss, int views,
                       const int *confusion, int classes)
{
    char number[32] = "null"; /* JSON has no NaN, nor infinity */

    if (loss - loss == 0) snprintf(number, sizeof number, "%.10g", loss / count);
    printf("{\"event\":\"done\",\"split\":\"%s\",\"count\":%d,\"correct\":%d,\"accuracy\":%.10g,"
           "\"loss\":%s,\"views\":%d,\"mode\":\"%s\",\"confusion\":[", split, count, correct,
           (double)correct / count, number, views, kiln_mode());
    for (int r = 0; r < classes; r++) {
        printf("%s[", r ? "," : "");
        for (int c = 0; c < classes; c++) printf("%s%d", c ? "," : "", confusion[r * classes + c]);
        printf("]");
    }
    printf("]}\n");
}

static int eval_checkpoint(const cli_arguments *a, const cli_session *s, int split, int views)
{
    static const char *const split_name[] = {"train", "validation", "test"};
    static int confusion[CLASSES_MAX * CLASSES_MAX];
    static char name[CLASSES_MAX][NAME_SIZE];
    const int classes = read_names(s->data, name), count = cli_split_count(s->data, split);
    double loss;
    int correct;

    if (count <= 0) {
        fprintf(stderr, "kiln: this data set has no %s images\n", split_name[split]);
        return CLI_BAD_DATA;
    }
    correct = cli_evaluate(s, split, views, &loss, confusion, NULL);
    if (correct < 0) return cli_fail(correct);
    if (a->value[CLI_JSON]) {
        print_json(split_name[split], count, correct, loss, views, confusion, classes);
        return 0;
    }
    printf("%s: %d of %d images right, %.2f %%, loss %.4f\n", split_name[split], correct, count,
           100.0 * correct / count, loss / count);
    print_confusion(confusion, name, classes);
    return 0;
}

int cli_eval(cli_arguments *a)
{
    cli_session session;
    int split, views = 1, code;

    if (a->value[CLI_KNN]) return eval_knn(a);
    if (!a->value[CLI_RESUME]) {
        fprintf(stderr, "kiln eval: which checkpoint? kiln eval model.safetensors, or --knn 5\n");
        return CLI_USAGE;
    }
    if ((code = read_split(a, &split)) || (code = cli_own_int(a, CLI_VIEWS, 1, 10, &views)))
        return code;
    if ((code = cli_session_load(&session, a))) return code;
    code = eval_checkpoint(a, &session, split, views);
    cli_session_close(&session);
    return code;
}
