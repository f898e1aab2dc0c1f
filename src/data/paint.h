/*
 * Simple shapes on a small canvas, with smooth edges: what the built-in set is drawn with.
 *
 * A shape is a signed distance (negative inside) in its own coordinates, about -1..1, x to the
 * right and y down. A pose says where these lie on the canvas. Everything is float arithmetic lane
 * by lane, every operation rounded by itself (no vf_madd): the same pixels on every build.
 */
#ifndef KILN_DATA_PAINT_H
#define KILN_DATA_PAINT_H

#define KILN_CANVAS 32 /* pixels a side */

enum {
    KILN_ELLIPSE, /* centre x, y, radius x, y */
    KILN_BOX,     /* centre x, y, half width, half height, radius of the corners */
    KILN_POLYGON, /* convex: four corners x, y, clockwise as seen; a triangle repeats its last */
    KILN_LINE,    /* from x, y to x, y, half thickness */
    KILN_RING,    /* centre x, y, radius, half thickness */
    KILN_STAR     /* centre x, y, radius of the five points */
};

/* What part of the shape is there. */
enum { KILN_WHOLE, KILN_UPPER, KILN_LOWER };

typedef struct {
    int kind, part;
    int paint;  /* which colour: see drawings.h */
    float p[8]; /* see the kinds */
} kiln_shape;

typedef struct {
    float x, y;       /* canvas position of the origin, in pixels */
    float a, b, c, d; /* own coordinates = (a b; c d) (pixel - origin) */
    float scale;      /* pixels to a unit, in the mean */
    float reach;      /* pixels to a unit, at most */
} kiln_pose;

typedef struct {
    float rgb[3][KILN_CANVAS][KILN_CANVAS]; /* 0..255 */
} kiln_canvas;

/* Turned by `angle`, stretched by `stretch` along x and 1 / stretch along y, sheared, mirrored (-1)
 * or not (1). */
kiln_pose kiln_pose_make(float x, float y, float scale, float angle, float stretch, float shear,
                         int mirror);

/* Lays the shape over the canvas in one colour. */
void kiln_shape_paint(kiln_canvas *canvas, const kiln_shape *shape, const kiln_pose *pose,
                      const float color[3]);

#endif
