/*
 * Numbers as the pixels of PNG files; see tiles.h. All is computed in double and rounded to the
 * nearest even byte, as a browser's Uint8ClampedArray does, so that files and page agree.
 *
 * Source: libpng manual, section "Simplified API".
 */
#include "tiles.h"

#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "say.h"

#define SATURATED 4.0 /* times the root mean square has the full colour */

/* ---- colours --------------------------------------------------------------------------------- */

cli_range cli_range_of(const float *values, int n)
{
    cli_range range = {INFINITY, -INFINITY};

    for (int i = 0; i < n; i++) {
        if (values[i] < range.low) range.low = values[i];
        if (values[i] > range.high) range.high = values[i];
    }
    return range.low <= range.high ? range : (cli_range){0, 0};
}

/* NaN is 0. */
static uint8_t byte_of(double x)
{
    return x > 0 ? (uint8_t)(x < 255 ? nearbyint(x) : 255) : 0;
}

void cli_paint_grey(uint8_t *rgb, const float *values, int n, cli_range range)
{
    const double low = range.low, high = range.high;
    const double scale = high > low ? 255 / (high - low) : 0;

    for (int i = 0; i < n; i++)
        memset(rgb + 3 * i, scale == 0 ? 128 : byte_of((values[i] - low) * scale), 3);
}

void cli_paint_signed(uint8_t *rgb, const float *values, int n, cli_range range)
{
    static const int below[] = {38, 103, 166}, above[] = {214, 96, 28}, white = 248;
    double squares = 0, limit;

    for (int i = 0; i < n; i++) squares += (double)values[i] * values[i];
    limit = SATURATED * sqrt(squares / (n > 1 ? n : 1));
    if (-range.low < limit && range.high < limit)
        limit = -range.low > range.high ? -range.low : range.high;
    for (int i = 0; i < n; i++) {
        const double share = limit > 0 ? values[i] / limit : 0;
        const double strength = fabs(share) < 1 ? fabs(share) : share == share ? 1 : 0;

        for (int c = 0; c < 3; c++)
            rgb[3 * i + c] = byte_of(white + ((share < 0 ? below : above)[c] - white) * strength);
    }
}

void cli_paint_bytes(uint8_t *rgb, const uint8_t *planes, int n, int channels)
{
    for (int i = 0; i < n; i++)
        for (int c = 0; c < 3; c++) rgb[3 * i + c] = planes[c % channels * n + i];
}

/* ---- tiles ----------------------------------------------------------------------------------- */

static int ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

/* Columns, as many as a square has or fewer, that fill the rows evenly. */
static int columns_of(int count)
{
    const int most = (int)ceil(sqrt(count));

    return ceil_div(count, ceil_div(count, most));
}

/* Pixel (y, x) of the file: R, G, B, A. */
static void draw_pixel(uint8_t *rgba, const cli_grid *g, int columns, const uint8_t *rgb, int y,
                       int x)
{
    const int height = g->H * g->side + 1, width = g->W * g->side + 1;
    const int tile = y / height * columns + x / width;
    const int row = y % height / g->side, column = x % width / g->side;

    memset(rgba, 0, 4);
    if (tile >= g->count || row == g->H || column == g->W) return;
    memcpy(rgba, rgb + 3 * (((size_t)tile * (size_t)g->H + (size_t)row) * (size_t)g->W +
                            (size_t)column), 3);
    rgba[3] = 255;
}

static int no_memory(const char *path)
{
    cli_say("kiln: %s: there is no memory for it\n", path);
    return CLI_NO_MEMORY;
}

static int save(const char *path, png_image *image, const uint8_t *rgba)
{
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(*image);
    uint8_t *file = malloc(size);
    int code;

    if (!file) return no_memory(path);
    if (png_image_write_to_memory(image, file, &size, 0, rgba, 0, NULL)) {
        code = cli_file_save(path, file, (int64_t)size);
    } else {
        cli_say("kiln: %s: %s\n", path, image->message);
        code = CLI_FAILED;
    }
    free(file);
    return code;
}

int cli_grid_save(const char *path, const cli_grid *g, const uint8_t *rgb)
{
    const int columns = columns_of(g->count);
    const int H = (ceil_div(g->count, columns) * (g->H * g->side + 1) - 1) * g->scale;
    const int W = (columns * (g->W * g->side + 1) - 1) * g->scale;
    png_image image = {.version = PNG_IMAGE_VERSION, .width = (png_uint_32)W,
                       .height = (png_uint_32)H, .format = PNG_FORMAT_RGBA};
    uint8_t *rgba = malloc((size_t)H * (size_t)W * 4), *at = rgba;
    int code;

    if (!rgba) return no_memory(path);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++, at += 4)
            draw_pixel(at, g, columns, rgb, y / g->scale, x / g->scale);
    code = save(path, &image, rgba);
    free(rgba);
    return code;
}
