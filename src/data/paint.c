/*
 * Signed distances and how they become pixels.
 *
 *   coverage = clamp(1/2 - distance, 0, 1) with the distance in pixels;  pixel += coverage (colour
 * - pixel)
 *
 * Distances of ellipses and of sheared shapes are first-order estimates, which is exact enough
 * within the one pixel where coverage changes. Source: the catalogue of 2D distance functions by
 * Inigo Quilez (iquilezles.org/articles/distfunctions2d), written here anew.
 */
#include "data/paint.h"

#include "base/scalar.h"

/* A unit normal and its offset: distance = nx x + ny y - offset. */
typedef struct {
    double nx, ny, offset;
} edge;

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

static double size_of(double x)
{
    return x < 0 ? -x : x;
}

static double length(double x, double y)
{
    return __builtin_sqrt(x * x + y * y);
}

kiln_pose kiln_pose_make(double x, double y, double scale, double angle, double stretch,
                         double shear, int mirror)
{
    const double cosine = kiln_cos(angle), sine = kiln_sin(angle);
    const double sx = 1.0 / (scale * stretch * mirror), sy = stretch / scale;
    kiln_pose pose = {x, y, 0, 0, 0, 0, scale, 0};

    /* own = S·shear·R(-angle)·(pixel - origin); determinant of the map back: scale² */
    pose.a = sx * (cosine - shear * sine);
    pose.b = sx * (sine + shear * cosine);
    pose.c = -sy * sine;
    pose.d = sy * cosine;
    pose.reach = scale * larger(stretch, 1.0 / stretch) * (1.0 + size_of(shear));
    return pose;
}

/* ---- distances ------------------------------------------------------------------------------- */

static double ellipse_distance(const double *p, double x, double y)
{
    const double ux = (x - p[0]) / p[2], uy = (y - p[1]) / p[3];
    const double k = length(ux, uy), slope = length(ux / p[2], uy / p[3]);

    return slope > 0 ? k * (k - 1.0) / slope : -smaller(p[2], p[3]);
}

static double box_distance(const double *p, double x, double y)
{
    const double dx = size_of(x - p[0]) - p[2] + p[4], dy = size_of(y - p[1]) - p[3] + p[4];

    return length(larger(dx, 0), larger(dy, 0)) + smaller(larger(dx, dy), 0) - p[4];
}

static int polygon_edges(edge *edges, const double *p)
{
    int count = 0;

    for (int i = 0; i < 4; i++) {
        const double *from = p + 2 * i, *to = p + 2 * ((i + 1) % 4);
        const double dx = to[0] - from[0], dy = to[1] - from[1], l = length(dx, dy);

        if (l == 0) continue; /* a triangle's last corner, twice */
        edges[count].nx = dy / l;
        edges[count].ny = -dx / l;
        edges[count].offset = (dy * from[0] - dx * from[1]) / l;
        count++;
    }
    return count;
}

static double polygon_distance(const edge *edges, int count, double x, double y)
{
    double d = edges[0].nx * x + edges[0].ny * y - edges[0].offset;

    for (int i = 1; i < count; i++)
        d = larger(d, edges[i].nx * x + edges[i].ny * y - edges[i].offset);
    return d;
}

static double line_distance(const double *p, double x, double y)
{
    const double dx = p[2] - p[0], dy = p[3] - p[1], px = x - p[0], py = y - p[1];
    const double t = smaller(larger((px * dx + py * dy) / (dx * dx + dy * dy), 0), 1);

    return length(px - t * dx, py - t * dy) - p[4];
}

/* Five points: fold the plane onto one half of one point, then the distance to that point's edge.
 * */
static double star_distance(const double *p, double x, double y)
{
    static const double cos36 = 0.80901699437494742, sin36 = 0.58778525229247313;
    static const double inner = 0.42; /* radius of the notches, of the points' */
    double px = size_of(x - p[0]), py = p[1] - y; /* up is positive */

    for (int i = 0; i < 2; i++) { /* mirror lines at 54 and at -18 degrees, through each notch */
        const double nx = i ? -cos36 : cos36, ny = -sin36;
        const double fold = larger(nx * px + ny * py, 0) * 2.0;

        px -= fold * nx;
        py -= fold * ny;
    }
    px = size_of(px);

    /* the edge from the point (0, r) to the notch at 36 degrees beside it */
    const double ex = inner * p[2] * sin36, ey = inner * p[2] * cos36 - p[2];
    const double l = length(ex, ey);

    return (-(px * ey) + (py - p[2]) * ex) / l;
}

static double distance(const kiln_shape *shape, const edge *edges, int count, double x, double y)
{
    const double *p = shape->p;
    double d = 0;

    switch (shape->kind) {
    case KILN_ELLIPSE: d = ellipse_distance(p, x, y); break;
    case KILN_BOX: d = box_distance(p, x, y); break;
    case KILN_POLYGON: d = polygon_distance(edges, count, x, y); break;
    case KILN_LINE: d = line_distance(p, x, y); break;
    case KILN_RING: d = size_of(length(x - p[0], y - p[1]) - p[2]) - p[3]; break;
    case KILN_STAR: d = star_distance(p, x, y); break;
    }
    if (shape->part == KILN_UPPER) d = larger(d, y - p[1]);
    if (shape->part == KILN_LOWER) d = larger(d, p[1] - y);
    return d;
}

/* ---- painting -------------------------------------------------------------------------------- */

/* A circle around the shape, in its own coordinates. */
static double bounding_circle(const kiln_shape *shape, double *x, double *y)
{
    const double *p = shape->p;
    double r = 0;

    *x = p[0];
    *y = p[1];
    switch (shape->kind) {
    case KILN_ELLIPSE: return larger(p[2], p[3]);
    case KILN_BOX: return length(p[2], p[3]);
    case KILN_RING: return p[2] + p[3];
    case KILN_STAR: return p[2];
    case KILN_LINE:
        *x = (p[0] + p[2]) / 2;
        *y = (p[1] + p[3]) / 2;
        return length(p[2] - p[0], p[3] - p[1]) / 2 + p[4];
    }
    *x = (p[0] + p[2] + p[4] + p[6]) / 4;
    *y = (p[1] + p[3] + p[5] + p[7]) / 4;
    for (int i = 0; i < 8; i += 2) r = larger(r, length(p[i] - *x, p[i + 1] - *y));
    return r;
}

static int pixel_at_least(double v)
{
    return v <= 0 ? 0 : v >= KILN_CANVAS ? KILN_CANVAS : (int)v;
}

void kiln_shape_paint(kiln_canvas *canvas, const kiln_shape *shape, const kiln_pose *pose,
                      const double color[3])
{
    double cx, cy;
    const double radius = bounding_circle(shape, &cx, &cy) * pose->reach + 1.0;
    /* the circle's centre on the canvas: the pose's map, inverted (determinant 1 / scale²) */
    const double det = pose->a * pose->d - pose->b * pose->c;
    const double mx = pose->x + (pose->d * cx - pose->b * cy) / det;
    const double my = pose->y + (pose->a * cy - pose->c * cx) / det;
    const int left = pixel_at_least(mx - radius), right = pixel_at_least(mx + radius + 1.0);
    const int top = pixel_at_least(my - radius), bottom = pixel_at_least(my + radius + 1.0);
    edge edges[4];
    const int count = shape->kind == KILN_POLYGON ? polygon_edges(edges, shape->p) : 0;

    for (int h = top; h < bottom; h++)
        for (int w = left; w < right; w++) {
            const double px = w + 0.5 - pose->x, py = h + 0.5 - pose->y;
            const double d = distance(shape, edges, count, pose->a * px + pose->b * py,
                                      pose->c * px + pose->d * py) * pose->scale;
            double *rgb = canvas->rgb[h][w];

            if (d >= 0.5) continue;
            const double coverage = d <= -0.5 ? 1.0 : 0.5 - d;

            for (int c = 0; c < 3; c++) rgb[c] += coverage * (color[c] - rgb[c]);
        }
}
