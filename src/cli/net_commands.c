/* kiln summary and kiln gradcheck: what a notation means, and whether its gradients are right. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "commands.h"
#include "events.h"
#include "fields.h"
#include "files.h"
#include "kiln.h"

#define NET_SIZE 8448
#define OPTIONS_SIZE 512
/* Bytes that a run keeps beside its net: images to start from and a file to save; of each parameter
 * the update rule's state, averages and the best. */
#define BESIDE_NET 32e6
#define BESIDE_PARAMETER 32.0
/* Float gradients against double differences; the course's notebooks ask for about as much. What is
 * within the rounding of the tensor's largest gradient is none: a tanh's end has nearly none. */
#define LARGE_ERROR 1e-2
#define LARGE_SHARE 1e-5

/* The notation and the options of kiln_net_create; --input and --batch among them. */
static int read_net(cli_arguments *a, char *net, char *options, int size)
{
    int code = cli_apply_preset(a);

    if (code) return code;
    cli_arguments_pick(a, " seed init batch freeze ", options, size);
    if (a->value[CLI_INPUT]) {
        const int used = (int)strlen(options);

        snprintf(options + used, (size_t)(size - used), "input=%s\n", a->value[CLI_INPUT]);
    }
    if (a->value[CLI_STEPS]) {
        const int used = (int)strlen(options);

        snprintf(options + used, (size_t)(size - used), "steps=1\n");
    }
    if (cli_given(a, "net", net, NET_SIZE)) return 0;
    if (kiln_options() < 0) return cli_fail(KILN_E_MEMORY);
    for (const char *row = cli_first(kiln_text()); row; row = cli_next(row)) {
        char name[32];

        if (strcmp(cli_field_text(name, sizeof name, row, "name"), "net") == 0)
            cli_field_text(net, NET_SIZE, row, "default");
    }
    return 0;
}

/* ---- summary --------------------------------------------------------------------------------- */

/* 1234567 as 1.23M */
static const char *scaled(char *text, size_t size, double value)
{
    static const char *const unit[] = {"", "k", "M", "G", "T"};
    int u = 0;

    for (; value >= 10000 && u < 4; u++) value /= 1000;
    snprintf(text, size, u ? "%.2f%s" : "%.0f%s", value, unit[u]);
    return text;
}

static void print_shape(char *text, size_t size, const char *layer)
{
    int used = 0;

    text[0] = 0;
    for (const char *v = cli_first(cli_field(layer, "output")); v; v = cli_next(v))
        used += snprintf(text + used, size - (size_t)used, "%s%.0f", used ? "x" : "",
                         cli_number(v));
}

static void print_layer(const char *layer)
{
    char name[48], text[100], shape[48], number[3][32], algorithm[32];
    const double unread = cli_field_number(layer, "unread", 0);
    const double frozen = cli_field_number(layer, "frozen", 0);
    const double parameters = cli_field_number(layer, "parameters", 0);

    print_shape(shape, sizeof shape, layer);
    printf("%-12s %-34s %-12s %10s %10s %10s  %s",
           cli_field_text(name, sizeof name, layer, "name"),
           cli_field_text(text, sizeof text, layer, "text"), shape,
           scaled(number[0], 32, parameters),
           scaled(number[1], 32, cli_field_number(layer, "flops", 0)),
           scaled(number[2], 32, cli_field_number(layer, "bytes", 0)),
           cli_field_text(algorithm, sizeof algorithm, layer, "algorithm"));
    if (frozen > 0)
        printf(frozen < parameters ? " (%.0f not trained)" : " (not trained)", frozen);
    if (unread > 0) printf(" (%.0f rows or columns unread)", unread);
    printf("\n");
}

/* "conv1 with relu1, maxpool1": the texts of an array. */
static void print_list(const char *array)
{
    char text[96];
    int count = 0;

    for (const char *v = cli_first(array); v; v = cli_next(v))
        printf("%s%s", count++ ? ", " : "", cli_text(text, sizeof text, v));
}

static void print_backward(const char *summary)
{
    const char *early = cli_field(summary, "early");
    char number[2][32];

    printf("backward pass of one image: %s FLOPs",
           scaled(number[0], 32, cli_field_number(summary, "backwardFlops", 0)));
    if (early) {
        printf("; %s once ", scaled(number[1], 32, cli_field_number(summary, "heldFlops", 0)));
        print_list(early);
        printf(" is no longer trained (--whiten-epochs)");
    }
    printf("\n");
}

static void print_steps(const char *steps)
{
    char pass[16];

    printf("\nsteps: images at a time; layers in order; what is transient has no buffer\n");
    for (const char *s = cli_first(steps); s; s = cli_next(s)) {
        const char *transient = cli_first(cli_field(s, "transient"));
        const double groups = cli_field_number(s, "groups", 0);

        printf("%-9s %5.0f  ", cli_field_text(pass, sizeof pass, s, "pass"),
               cli_field_number(s, "images", 0));
        print_list(cli_field(s, "layers"));
        if (groups > 0) printf("; %.0f groups", groups);
        if (transient) printf("; transient: ");
        if (transient) print_list(cli_field(s, "transient"));
        printf("\n");
    }
}

typedef struct {
    const char *net, *options;
} set_up;

/* Whether a run with so many images a batch would fit into the memory of this machine. */
static int batch_fits(void *context, int batch)
{
    const set_up *s = context;
    char text[OPTIONS_SIZE + 32];

    snprintf(text, sizeof text, "%sbatch=%d\n", s->options, batch);
    return kiln_summary(s->net, text) >= 0 &&
           kiln_arena_would_fit(cli_field_number(kiln_text(), "memory", 0) + BESIDE_NET +
                                BESIDE_PARAMETER * cli_field_number(kiln_text(), "parameters", 0));
}

/* Where kiln train would refuse this batch, its sentence, with nearly the largest batch that would
 * do. The net is made only where it is not known to fit, and then it is nearly always refused. */
static void print_refusal(const char *net, const char *options, int batch)
{
    const int made = kiln_net_create(net, options);
    int fits;

    if (made >= 0) {
        kiln_net_destroy(made);
        return;
    }
    printf("kiln train refuses this batch: %s", kiln_error());
    fits = kiln_arena_largest(0, batch, batch_fits, &(set_up){net, options});
    if (fits)
        printf("; a batch of %d would fit\n", fits);
    else
        printf("; no batch of this net would fit\n");
}

int cli_summary(cli_arguments *a)
{
    static char net[NET_SIZE];
    char options[OPTIONS_SIZE], number[4][32], batch[32];
    int status, code = read_net(a, net, options, sizeof options);

    if (code || (code = cli_use_threads(a))) return code;
    if ((status = kiln_summary(net, options)) < 0) return cli_fail_net(net, status);
    if (a->value[CLI_JSON]) {
        printf("%s\n", kiln_text());
        return 0;
    }
    printf("%-12s %-34s %-12s %10s %10s %10s\n", "layer", "", "output", "parameters", "FLOPs",
           "bytes");
    for (const char *l = cli_first(cli_field(kiln_text(), "layers")); l; l = cli_next(l))
        print_layer(l);
    printf("%-60s %10s %10s %10s\n", "in all, of one image",
           scaled(number[0], 32, cli_field_number(kiln_text(), "parameters", 0)),
           scaled(number[1], 32, cli_field_number(kiln_text(), "flops", 0)),
           scaled(number[2], 32, cli_field_number(kiln_text(), "bytes", 0)));
    if (cli_field_number(kiln_text(), "frozen", 0) > 0)
        printf("not trained, of these: %s parameters\n",
               scaled(number[0], 32, cli_field_number(kiln_text(), "frozen", 0)));
    print_backward(kiln_text());
    if (cli_field(kiln_text(), "memory"))
        printf("memory to train with this batch: %s bytes\n",
               scaled(number[3], 32, cli_field_number(kiln_text(), "memory", 0)));
    if (cli_field(kiln_text(), "steps")) print_steps(cli_field(kiln_text(), "steps"));
    if (!kiln_arena_would_fit(cli_field_number(kiln_text(), "memory", 0)))
        print_refusal(net, options, cli_given(a, "batch", batch, sizeof batch) ? atoi(batch) : 1);
    return 0;
}

/* ---- gradcheck ------------------------------------------------------------------------------- */

/* A row as a line of --json; main says what stdout does not take. */
static void tell_gradient(const char *row)
{
    static const char *const told[] = {"layer",  "tensor",  "relativeError",
                                       "share", "entries", "kinks"};
    kiln_json *j = cli_event("gradient");
    char value[64];

    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        kiln_json_raw(j, told[i], cli_field_raw(value, sizeof value, row, told[i]));
    cli_event_end(j);
}

int cli_gradcheck(cli_arguments *a)
{
    static char net[NET_SIZE];
    char options[OPTIONS_SIZE], layer[48], tensor[32];
    int status, large = 0, code = read_net(a, net, options, sizeof options);

    if (code || (code = cli_use_threads(a))) return code;
    if ((status = kiln_gradcheck(net, options)) < 0) return cli_fail_net(net, status);
    if (!a->value[CLI_JSON])
        printf("%-12s %-10s %-16s %s\n", "layer", "gradient", "relative error", "entries");
    for (const char *row = cli_first(kiln_text()); row; row = cli_next(row)) {
        const double error = cli_field_number(row, "relativeError", 1);
        const int bad =
            !(error < LARGE_ERROR) && !(cli_field_number(row, "share", 1) < LARGE_SHARE);

        large += bad;
        if (a->value[CLI_JSON]) {
            tell_gradient(row);
            continue;
        }
        printf("%-12s %-10s %-16.3g %.0f%s\n", cli_field_text(layer, sizeof layer, row, "layer"),
               cli_field_text(tensor, sizeof tensor, row, "tensor"), error,
               cli_field_number(row, "entries", 0), bad ? "  LARGE" : "");
    }
    if (large) fprintf(stderr, "kiln: %d gradients are off by %g or more\n", large, LARGE_ERROR);
    return large ? CLI_FAILED : 0;
}
