/*
 * Ten drawings that a person can name at a glance in 32 x 32 pixels and that differ by shape, not
 * by colour. Each fills about -1..1 in x and y, y down; see paint.h for the numbers of a shape.
 */
#include "data/drawings.h"

#define MAIN KILN_PAINT_MAIN
#define SECOND KILN_PAINT_SECOND
#define DETAIL KILN_PAINT_DETAIL

#define ELLIPSE(paint, ...) {KILN_ELLIPSE, KILN_WHOLE, paint, {__VA_ARGS__}}
#define DOME(paint, ...) {KILN_ELLIPSE, KILN_UPPER, paint, {__VA_ARGS__}}
#define BOX(paint, ...) {KILN_BOX, KILN_WHOLE, paint, {__VA_ARGS__}}
#define POLYGON(paint, ...) {KILN_POLYGON, KILN_WHOLE, paint, {__VA_ARGS__}}
#define LINE(paint, ...) {KILN_LINE, KILN_WHOLE, paint, {__VA_ARGS__}}
#define RING(paint, ...) {KILN_RING, KILN_WHOLE, paint, {__VA_ARGS__}}
#define SMILE(paint, ...) {KILN_RING, KILN_LOWER, paint, {__VA_ARGS__}}
#define STAR(paint, ...) {KILN_STAR, KILN_WHOLE, paint, {__VA_ARGS__}}

const kiln_drawing kiln_drawings[KILN_DRAWINGS] = {
    {"boat", 0.25, 4, {
        LINE(DETAIL, 0.0, 0.4, 0.0, -0.95, 0.06),
        POLYGON(SECOND, 0.12, -0.9, 0.85, 0.22, 0.12, 0.22, 0.12, 0.22),
        POLYGON(SECOND, -0.12, -0.6, -0.12, 0.22, -0.65, 0.22, -0.65, 0.22),
        POLYGON(MAIN, -1.0, 0.36, 1.0, 0.36, 0.62, 0.9, -0.62, 0.9),
    }},
    {"car", 0.2, 8, {
        POLYGON(MAIN, -0.42, -0.55, 0.3, -0.55, 0.66, 0.02, -0.66, 0.02),
        BOX(MAIN, 0.0, 0.2, 1.0, 0.26, 0.14),
        POLYGON(SECOND, -0.38, -0.43, -0.1, -0.43, -0.1, -0.02, -0.54, -0.02),
        POLYGON(SECOND, 0.02, -0.43, 0.26, -0.43, 0.5, -0.02, 0.02, -0.02),
        ELLIPSE(DETAIL, -0.52, 0.46, 0.28, 0.28),
        ELLIPSE(DETAIL, 0.52, 0.46, 0.28, 0.28),
        ELLIPSE(MAIN, -0.52, 0.46, 0.1, 0.1),
        ELLIPSE(MAIN, 0.52, 0.46, 0.1, 0.1),
    }},
    {"face", 0.3, 4, {
        ELLIPSE(MAIN, 0.0, 0.0, 0.86, 0.92),
        ELLIPSE(DETAIL, -0.32, -0.26, 0.13, 0.18),
        ELLIPSE(DETAIL, 0.32, -0.26, 0.13, 0.18),
        SMILE(DETAIL, 0.0, 0.14, 0.44, 0.09),
    }},
    {"fish", 0.4, 5, {
        POLYGON(SECOND, -0.98, -0.52, -0.3, 0.0, -0.98, 0.52, -0.98, 0.52),
        POLYGON(SECOND, -0.2, -0.34, 0.2, -0.7, 0.4, -0.3, 0.4, -0.3),
        ELLIPSE(MAIN, 0.2, 0.0, 0.76, 0.46),
        LINE(DETAIL, 0.36, -0.26, 0.36, 0.26, 0.05),
        ELLIPSE(DETAIL, 0.64, -0.1, 0.1, 0.1),
    }},
    {"flower", 0.35, 9, {
        LINE(SECOND, 0.0, 0.0, 0.06, 1.0, 0.07),
        POLYGON(SECOND, 0.04, 0.86, 0.3, 0.5, 0.66, 0.44, 0.44, 0.74),
        ELLIPSE(MAIN, 0.0, -0.78, 0.25, 0.25),
        ELLIPSE(MAIN, 0.44, -0.46, 0.25, 0.25),
        ELLIPSE(MAIN, 0.27, 0.06, 0.25, 0.25),
        ELLIPSE(MAIN, -0.27, 0.06, 0.25, 0.25),
        ELLIPSE(MAIN, -0.44, -0.46, 0.25, 0.25),
        ELLIPSE(MAIN, 0.0, -0.32, 0.3, 0.3),
        ELLIPSE(DETAIL, 0.0, -0.32, 0.2, 0.2),
    }},
    {"house", 0.2, 6, {
        BOX(SECOND, 0.45, -0.62, 0.13, 0.26, 0.0),
        BOX(MAIN, 0.0, 0.4, 0.7, 0.5, 0.0),
        POLYGON(SECOND, 0.0, -0.95, 0.98, -0.04, -0.98, -0.04, -0.98, -0.04),
        BOX(DETAIL, 0.28, 0.56, 0.17, 0.34, 0.0),
        BOX(DETAIL, -0.32, 0.36, 0.2, 0.2, 0.0),
        LINE(MAIN, -0.32, 0.18, -0.32, 0.54, 0.04),
    }},
    {"mug", 0.25, 4, {
        RING(MAIN, 0.5, 0.12, 0.34, 0.1),
        BOX(MAIN, -0.16, 0.12, 0.6, 0.74, 0.12),
        BOX(SECOND, -0.16, 0.2, 0.6, 0.16, 0.0),
        ELLIPSE(DETAIL, -0.16, -0.56, 0.48, 0.14),
    }},
    {"star", 0.63, 1, {
        STAR(MAIN, 0.0, 0.04, 1.04),
    }},
    {"tree", 0.2, 4, {
        BOX(SECOND, 0.0, 0.76, 0.14, 0.24, 0.0),
        POLYGON(MAIN, 0.0, -0.3, 0.8, 0.62, -0.8, 0.62, -0.8, 0.62),
        POLYGON(MAIN, 0.0, -0.66, 0.62, 0.16, -0.62, 0.16, -0.62, 0.16),
        POLYGON(MAIN, 0.0, -1.0, 0.44, -0.28, -0.44, -0.28, -0.44, -0.28),
    }},
    {"umbrella", 0.35, 6, {
        LINE(SECOND, 0.0, -1.0, 0.0, 0.76, 0.06),
        SMILE(SECOND, 0.2, 0.76, 0.2, 0.06),
        DOME(MAIN, 0.0, 0.0, 0.98, 0.86),
        LINE(DETAIL, 0.0, -0.84, -0.36, 0.0, 0.035),
        LINE(DETAIL, 0.0, -0.84, 0.36, 0.0, 0.035),
        LINE(DETAIL, -0.94, 0.0, 0.94, 0.0, 0.035),
    }},
};
