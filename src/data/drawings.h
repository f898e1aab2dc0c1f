/* The ten things of the built-in set, each a short list of shapes from back to front. */
#ifndef KILN_DATA_DRAWINGS_H
#define KILN_DATA_DRAWINGS_H

#include "data/paint.h"

#define KILN_DRAWINGS 10
#define KILN_DRAWING_SHAPES 14

/* Paints: which of an image's random colours a shape gets. */
enum { KILN_PAINT_MAIN, KILN_PAINT_SECOND, KILN_PAINT_DETAIL, KILN_PAINTS };

typedef struct {
    const char *name;
    float turn;  /* radians: turned by at most so much either way */
    int count;
    kiln_shape shape[KILN_DRAWING_SHAPES];
} kiln_drawing;

extern const kiln_drawing kiln_drawings[KILN_DRAWINGS];

#endif
