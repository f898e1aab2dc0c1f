/*
 * The built-in set: ten drawings in random pose, colours, light, clutter, occlusion and noise.
 *
 * An image is a pure function of (seed, split, index): all it draws comes from the counter-based
 * generator, stream (split, index), and every operation is rounded by itself, so every build makes
 * the same bytes. Colours are drawn alike for all classes and the drawing lies anywhere: a linear
 * model, which sees but sums of pixels, gets about 27 % where a small convnet passes 95 %.
 *
 * So an image may be drawn when it is first wanted. What a run needs of the set as a whole, means,
 * deviations and hash, would take all of its images: of the standard set it is known beforehand.
 *
 * Layers of an image, from the back: a gradient between four corners with a soft pattern;
 * distractors; the drawing; perhaps something that hides a part; light from one side; noise.
 */
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "base/rng.h"
#include "base/simd.h"
#include "base/status.h"
#include "base/threads.h"
#include "data/dataset.h"
#include "data/drawings.h"

#define SIDE KILN_CANVAS
#define PIXELS (SIDE * SIDE)
#define TASK_IMAGES 8 /* drawn by one task of the pool */
#define AT_ONCE 512   /* images listed for the pool */
#define COUNT_MAX 100000
#define NOISE_FIRST 1024      /* draws from here on are noise */
#define ORDER_STREAM (3ull << 32) /* streams of the order of classes lie above those of images */

#define PI 3.14159265f

typedef struct {
    kiln_rng rng;
    uint64_t next;
} draws;

/* ---- random values: one draw a statement or declarator, for C does not order arguments ----------
 * */

static float draw(draws *r, float min, float max)
{
    return min + (max - min) * kiln_rng_uniform(r->rng, r->next++);
}

static int draw_below(draws *r, int n)
{
    return (int)kiln_rng_below(r->rng, r->next++, (uint32_t)n);
}

static float square(float x)
{
    return x * x;
}

/* Squared distance of two colours as eyes weigh it. */
static float color_distance(const float *a, const float *b)
{
    return 3.0f * square(a[0] - b[0]) + 5.0f * square(a[1] - b[1]) + 2.0f * square(a[2] - b[2]);
}

/* The one of a few random colours that stands out best against those to avoid. */
static void draw_color(draws *r, float color[3], float avoid[][3], int count)
{
    float best = -1;

    for (int attempt = 0; attempt < 5; attempt++) {
        float trial[3], nearest = 1e9f;

        for (int c = 0; c < 3; c++) trial[c] = draw(r, 15, 240);
        for (int i = 0; i < count; i++) {
            const float d = color_distance(trial, avoid[i]);

            if (d < nearest) nearest = d;
        }
        if (nearest <= best) continue;
        best = nearest;
        for (int c = 0; c < 3; c++) color[c] = trial[c];
    }
}

/* ---- the layers of an image ------------------------------------------------------------------ */

#define GRID 5 /* nodes a side of the soft pattern */
#define CELL (SIDE / (GRID - 1))

/* What lies `part` of the way from a to b. */
static float between(float a, float b, float part)
{
    return a + part * (b - a);
}

static void paint_background(kiln_canvas *canvas, const float base[3], draws *r)
{
    float corner[4][3], node[GRID][GRID], x[SIDE], pattern[SIDE];
    const float depth = draw(r, 0, 30);

    for (int i = 0; i < 4; i++)
        for (int c = 0; c < 3; c++) corner[i][c] = base[c] + draw(r, -38, 38);
    for (int i = 0; i < GRID * GRID; i++) node[i / GRID][i % GRID] = draw(r, -depth, depth);
    for (int w = 0; w < SIDE; w++) x[w] = ((float)w + 0.5f) / SIDE;
    for (int h = 0; h < SIDE; h++) {
        const float y = ((float)h + 0.5f) / SIDE, v = ((float)(h % CELL) + 0.5f) / CELL;
        const float(*at)[GRID] = node + h / CELL;

        for (int j = 0; j < GRID - 1; j++) {
            const float left = between(at[0][j], at[1][j], v);
            const float right = between(at[0][j + 1], at[1][j + 1], v);

            for (int i = 0; i < CELL; i++)
                pattern[j * CELL + i] = between(left, right, ((float)i + 0.5f) / CELL);
        }
        for (int c = 0; c < 3; c++) {
            const float left = between(corner[0][c], corner[2][c], y);
            const float right = between(corner[1][c], corner[3][c], y);

            for (int w = 0; w < SIDE; w += KILN_LANES)
                vf_store(&canvas->rgb[c][h][w],
                         vf_load(x + w) * (right - left) + left + vf_load(pattern + w));
        }
    }
}

/* Some simple thing of `size` pixels around (x, y). */
static void paint_thing(kiln_canvas *canvas, const float color[3], float x, float y, float size,
                        draws *r)
{
    static const kiln_shape things[] = {
        {KILN_ELLIPSE, KILN_WHOLE, 0, {0, 0, 0.9, 0.6}},
        {KILN_BOX, KILN_WHOLE, 0, {0, 0, 0.8, 0.5, 0.1}},
        {KILN_POLYGON, KILN_WHOLE, 0, {0, -0.8, 0.8, 0.6, -0.8, 0.6, -0.8, 0.6}},
        {KILN_LINE, KILN_WHOLE, 0, {-1.6, 0, 1.6, 0, 0.22}},
        {KILN_RING, KILN_WHOLE, 0, {0, 0, 0.7, 0.18}},
    };
    const float angle = draw(r, -PI, PI), stretch = draw(r, 0.8f, 1.25f);
    const kiln_pose pose = kiln_pose_make(x, y, size, angle, stretch, 0, 1);

    kiln_shape_paint(canvas, &things[draw_below(r, 5)], &pose, color);
}

/* Small things in colours near the background's. */
static void paint_clutter(kiln_canvas *canvas, const float base[3], draws *r)
{
    for (int left = draw_below(r, 5); left > 0; left--) {
        const float away = draw(r, 0.2f, 0.6f); /* how far a random colour is mixed in */
        const float x = draw(r, 0, SIDE), y = draw(r, 0, SIDE), size = draw(r, 2, 6);
        float color[3];

        for (int c = 0; c < 3; c++) color[c] = base[c] + away * (draw(r, 0, 255) - base[c]);
        paint_thing(canvas, color, x, y, size, r);
    }
}

static void paint_drawing(kiln_canvas *canvas, const kiln_drawing *drawing, const kiln_pose *pose,
                          float color[KILN_PAINTS][3])
{
    for (int i = 0; i < drawing->count; i++)
        kiln_shape_paint(canvas, &drawing->shape[i], pose, color[drawing->shape[i].paint]);
}

/* Something in front of the drawing, on about every other image. */
static void paint_occluder(kiln_canvas *canvas, const kiln_pose *pose, draws *r)
{
    const float x = pose->x + draw(r, -1, 1) * pose->scale;
    const float y = pose->y + draw(r, -1, 1) * pose->scale, size = draw(r, 2, 4);
    float color[3];

    for (int c = 0; c < 3; c++) color[c] = draw(r, 15, 240);
    if (draw(r, 0, 1) < 0.5f) return;
    paint_thing(canvas, color, x, y, size, r);
}

#define WORDS (3 * PIXELS / 4) /* a byte of noise for each byte of the image */

/* Light from one side, then noise with a triangular density, and bytes in planes. */
static void develop(uint8_t *image, const kiln_canvas *canvas, draws *r)
{
    const float level = draw(r, 0.75f, 1.15f), tilt_x = draw(r, -0.25f, 0.25f);
    const float tilt_y = draw(r, -0.25f, 0.25f);
    const float grain = draw(r, 3, 12) / 6.52f; /* 6.52: deviation of the sum of two half bytes */
    const float *rgb = canvas->rgb[0][0];
    float light[PIXELS], x[SIDE];
    uint32_t words[WORDS];

    for (int i = 0; i < WORDS; i += 4)
        kiln_rng_words(words + i, r->rng, (NOISE_FIRST + (uint64_t)i) / 4);
    for (int w = 0; w < SIDE; w++) x[w] = tilt_x * (((float)w + 0.5f) / (SIDE / 2) - 1.0f) + 1.0f;
    for (int h = 0; h < SIDE; h++) {
        const float y = tilt_y * (((float)h + 0.5f) / (SIDE / 2) - 1.0f);

        for (int w = 0; w < SIDE; w += KILN_LANES)
            vf_store(light + h * SIDE + w, (vf_load(x + w) + y) * level);
    }
    for (int i = 0; i < 3 * PIXELS; i += KILN_LANES) { /* byte i / WORDS of word i % WORDS */
        vu word;

        memcpy(&word, words + i % WORDS, sizeof word);
        word >>= (uint32_t)(i / WORDS * 8);

        const vf noise = vf_from_int((vm)((word & 15) + (word >> 4 & 15)) - 15);
        const vf v = vf_load(rgb + i) * vf_load(light + i % PIXELS) + noise * grain + 0.5f;
        const vm whole = vm_from_float(vf_min(vf_max(v, vf_set1(0)), vf_set1(255)));
        int32_t lane[KILN_LANES];

        memcpy(lane, &whole, sizeof lane);
        for (int j = 0; j < KILN_LANES; j++) image[i + j] = (uint8_t)lane[j];
    }
}

static void draw_image(uint8_t *image, const kiln_drawing *drawing, kiln_rng rng)
{
    draws r = {rng, 0};
    float base[1][3], color[KILN_PAINTS][3], avoid[3][3];
    kiln_canvas canvas;

    for (int c = 0; c < 3; c++) base[0][c] = draw(&r, 10, 165); /* mostly darker than the drawing */
    draw_color(&r, color[KILN_PAINT_MAIN], base, 1);
    for (int c = 0; c < 3; c++) {
        avoid[0][c] = base[0][c];
        avoid[1][c] = color[KILN_PAINT_MAIN][c];
    }
    draw_color(&r, color[KILN_PAINT_SECOND], avoid, 2);
    for (int c = 0; c < 3; c++) avoid[0][c] = color[KILN_PAINT_SECOND][c];
    draw_color(&r, color[KILN_PAINT_DETAIL], avoid, 2);

    const float scale = draw(&r, 9.5f, 13.5f), room = SIDE / 2 + 1.5f - scale;
    const float x = SIDE / 2 + draw(&r, -room, room), y = SIDE / 2 + draw(&r, -room, room);
    const float angle = draw(&r, -drawing->turn, drawing->turn), stretch = draw(&r, 0.9f, 1.1f);
    const float shear = draw(&r, -0.12f, 0.12f);
    const int mirror = draw_below(&r, 2) ? 1 : -1;
    const kiln_pose pose = kiln_pose_make(x, y, scale, angle, stretch, shear, mirror);

    paint_background(&canvas, base[0], &r);
    paint_clutter(&canvas, base[0], &r);
    paint_drawing(&canvas, drawing, &pose, color);
    paint_occluder(&canvas, &pose, &r);
    develop(image, &canvas, &r);
}

/* ---- the set --------------------------------------------------------------------------------- */

/* What is known of a set without drawing it, so that training may begin at once: tests prove it. */
static const struct {
    uint32_t seed;
    int count[KILN_SPLITS];
    float mean[3], std[3];
    uint64_t hash;
} known = {1,
           {8000, 1000, 1000},
           {96.0040894f, 97.1719894f, 95.2837982f},
           {56.9936638f, 58.6327858f, 55.8046799f},
           0xfe4a04fc62c5bd53u};

struct kiln_builtin {
    uint32_t seed;
    int next;                    /* first image that kiln_builtin_draw has not come to */
    int averaged;                /* the mean image is made */
    uint8_t *drawn[KILN_SPLITS]; /* of each image whether it is drawn */
};

typedef struct {
    uint8_t *image; /* of the split */
    uint16_t *label;
    uint32_t seed;
    int split, count;
    int wanted[AT_ONCE];
} job;

/* Each ten images hold every class once, in random order. */
static int class_of(uint32_t seed, int split, int i)
{
    const kiln_rng rng = {seed, KILN_RNG_BUILTIN,
                          ORDER_STREAM + ((uint64_t)split << 32) + (uint64_t)(i / KILN_DRAWINGS)};
    int order[KILN_DRAWINGS];

    kiln_rng_permutation(order, KILN_DRAWINGS, rng);
    return order[i % KILN_DRAWINGS];
}

static void draw_some(void *context, int task, int thread)
{
    const job *j = context;
    const int first = task * TASK_IMAGES;
    const int last = first + TASK_IMAGES < j->count ? first + TASK_IMAGES : j->count;

    (void)thread;
    for (int k = first; k < last; k++) {
        const int i = j->wanted[k];
        const kiln_rng rng = {j->seed, KILN_RNG_BUILTIN, ((uint64_t)j->split << 32) + (uint64_t)i};

        j->label[i] = (uint16_t)class_of(j->seed, j->split, i);
        draw_image(j->image + (size_t)i * 3 * PIXELS, &kiln_drawings[j->label[i]], rng);
    }
}

static void draw_wanted(job *j)
{
    kiln_parallel((j->count + TASK_IMAGES - 1) / TASK_IMAGES, draw_some, j);
    j->count = 0;
}

static void draw_images(const kiln_dataset *d, int split, const int *index, int first, int n)
{
    uint8_t *drawn = d->builtin->drawn[split];
    job j = {.image = (uint8_t *)(uintptr_t)d->image[split],
             .label = (uint16_t *)(uintptr_t)d->label[split],
             .seed = d->builtin->seed, .split = split};

    for (int i = 0; i < n; i++) {
        const int at = index ? index[i] : first + i;

        if (drawn[at]) continue;
        drawn[at] = 1; /* now, for an index may come twice */
        j.wanted[j.count++] = at;
        if (j.count == AT_ONCE) draw_wanted(&j);
    }
    draw_wanted(&j);
}

static void draw_mean_image(const kiln_dataset *d)
{
    if (d->builtin->averaged) return;
    draw_images(d, 0, NULL, 0, d->count[0]);
    kiln_dataset_average(d);
    d->builtin->averaged = 1;
}

/* Images and labels of all splits, one after the other, and what belongs to them: plan, then take.
 */
static int take_memory(kiln_dataset *d, const int count[KILN_SPLITS])
{
    for (int pass = 0; pass < 2; pass++) {
        struct kiln_builtin *b = kiln_arena_take(&d->arena, 1, sizeof *b);

        for (int i = 0; i < KILN_SPLITS; i++) {
            uint8_t *drawn = kiln_arena_take(&d->arena, (size_t)count[i], 1);

            d->image[i] = kiln_arena_take(&d->arena, (size_t)count[i], 3 * PIXELS);
            d->label[i] = kiln_arena_take(&d->arena, (size_t)count[i], sizeof(uint16_t));
            if (b) b->drawn[i] = drawn;
        }
        d->mean_image = kiln_arena_take(&d->arena, 3 * PIXELS, sizeof *d->mean_image);
        d->builtin = b;
        if (pass == 0) KILN_TRY(kiln_arena_create(&d->arena, d->arena.used, "the built-in set"));
    }
    return KILN_OK;
}

static void take_known(kiln_dataset *d)
{
    if (d->builtin->seed != known.seed || memcmp(d->count, known.count, sizeof d->count) != 0)
        return;
    memcpy(d->mean, known.mean, sizeof known.mean);
    memcpy(d->std, known.std, sizeof known.std);
    d->hash = known.hash;
    d->finished = 1;
}

int kiln_builtin_begin(kiln_dataset *d, uint32_t seed, int train, int validation, int test)
{
    const int count[KILN_SPLITS] = {train, validation, test};
    kiln_dataset set = {.C = 3, .H = SIDE, .W = SIDE, .classes = KILN_DRAWINGS, .name = "builtin"};

    *d = (kiln_dataset){0};
    for (int i = 0; i < KILN_SPLITS; i++)
        if (count[i] < (i == 0) || count[i] > COUNT_MAX)
            return kiln_fail(KILN_E_ARG, "builtin: %d images asked for; a split has %d to %d",
                             count[i], i == 0, COUNT_MAX);
    for (int i = 0; i < KILN_DRAWINGS; i++) set.class_name[i] = kiln_drawings[i].name;
    KILN_TRY(take_memory(&set, count));
    for (int i = 0; i < KILN_SPLITS; i++) set.count[i] = count[i];
    set.builtin->seed = seed;
    set.draw = draw_images;
    set.draw_mean_image = draw_mean_image;
    take_known(&set);
    *d = set;
    return KILN_OK;
}

int kiln_builtin_draw(kiln_dataset *d, int n)
{
    struct kiln_builtin *b = d->builtin;
    const int total = d->count[0] + d->count[1] + d->count[2];
    const int last = n < total - b->next ? b->next + n : total;

    for (int i = 0, before = 0; i < KILN_SPLITS; before += d->count[i++]) {
        const int first = b->next > before ? b->next - before : 0;
        const int end = last - before < d->count[i] ? last - before : d->count[i];

        if (first < end) draw_images(d, i, NULL, first, end - first);
    }
    b->next = last;
    if (last < total || d->finished) return total - last;
    kiln_dataset_measure(d);
    b->averaged = 1;
    return 0;
}

int kiln_builtin_create(kiln_dataset *d, uint32_t seed, int train, int validation, int test)
{
    KILN_TRY(kiln_builtin_begin(d, seed, train, validation, test));
    return kiln_builtin_draw(d, INT_MAX);
}
