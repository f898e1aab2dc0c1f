/*
 * Numbers as pixels: tiles in a grid, in the course's manner (visualize_grid), and two scales of
 * colours; the bytes that the page draws (web/pixels.ts, web/layer-view.ts), as PNG files.
 */
#ifndef KILN_CLI_TILES_H
#define KILN_CLI_TILES_H

#include <stdint.h>

/* Lowest and highest of n values; 0 and 0 where there are none but NaN. */
typedef struct {
    float low, high;
} cli_range;
cli_range cli_range_of(const float *values, int n);

/* R, G, B of n values. grey: the lowest is black, the highest white. signed: white at zero, blue
 * below, orange above, full at four times the root mean square, or at the farthest where that is
 * less: few gradients are very large. bytes: `channels` planes (1 or 3) of n values 0..255. */
void cli_paint_grey(uint8_t *rgb, const float *values, int n, cli_range range);
void cli_paint_signed(uint8_t *rgb, const float *values, int n, cli_range range);
void cli_paint_bytes(uint8_t *rgb, const uint8_t *planes, int n, int channels);

/* `count` tiles of H by W colours, as near to a square as full rows go, with a transparent line
 * between them: a picture of one tile has none. A colour is `side` pixels high and wide, and all
 * is drawn `scale` times as large. */
typedef struct {
    int count, H, W, side, scale;
} cli_grid;

/* The grid of colours rgb (count, H, W, 3) as a PNG file. 0 or an exit code with a sentence. */
int cli_grid_save(const char *path, const cli_grid *grid, const uint8_t *rgb);

#endif
