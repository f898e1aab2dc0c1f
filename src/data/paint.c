/*
 * Signed distances and how they become pixels.
 *
 *   coverage = clamp(1/2 - distance, 0, 1) with the distance in pixels
 *   pixel   += coverage (colour - pixel)
 *
 * A row of the canvas is worked on a vector of pixels at a time, between the columns the shape can
 * reach. Distances of ellipses and of sheared shapes are first-order estimates, which is exact
 * enough within the one pixel where coverage changes. Source: the catalogue of 2D distance
 * functions by Inigo Quilez (iquilezles.org/articles/distfunctions2d), written here anew.
 */
#include "data/paint.h"

#include "base/scalar.h"
#include "base/simd.h"

/* A unit normal and its offset: distance = nx x + ny y - offset. */
typedef struct {
    float nx, ny, offset;
} edge;

static float larger(float a, float b)
{
    return a > b ? a : b;
}

static float smaller(float a, float b)
{
    return a < b ? a : b;
}

static float size_of(float x)
{
    return x < 0 ? -x : x;
}

static float length(float x, float y)
{
    return __builtin_sqrtf(x * x + y * y);
}

static vf lengths(vf x, vf y)
{
    return vf_sqrt(x * x + y * y);
}

kiln_pose kiln_pose_make(float x, float y, float scale, float angle, float stretch, float shear,
                         int mirror)
{
    const float cosine = (float)kiln_cos(angle), sine = (float)kiln_sin(angle);
    const float sx = 1.0f / (scale * stretch * (float)mirror), sy = stretch / scale;
    kiln_pose pose = {x, y, 0, 0, 0, 0, scale, 0};

    /* own = S·shear·R(-angle)·(pixel - origin); determinant of the map back: scale² */
    pose.a = sx * (cosine - shear * sine);
    pose.b = sx * (sine + shear * cosine);
    pose.c = -sy * sine;
    pose.d = sy * cosine;
    pose.reach = scale * larger(stretch, 1.0f / stretch) * (1.0f + size_of(shear));
    return pose;
}

/* ---- distances ------------------------------------------------------------------------------- */

static vf ellipse_distance(const float *p, vf x, vf y)
{
    const vf ux = (x - p[0]) / p[2], uy = (y - p[1]) / p[3];
    const vf k = lengths(ux, uy), slope = lengths(ux / p[2], uy / p[3]);
    const vf middle = vf_set1(-smaller(p[2], p[3]));

    return vf_select(slope > vf_set1(0), k * (k - 1.0f) / slope, middle);
}

static vf box_distance(const float *p, vf x, vf y)
{
    const vf dx = vf_abs(x - p[0]) - (p[2] - p[4]), dy = vf_abs(y - p[1]) - (p[3] - p[4]);
    const vf zero = vf_set1(0), outside = lengths(vf_max(dx, zero), vf_max(dy, zero));

    return outside + vf_min(vf_max(dx, dy), zero) - p[4];
}

static int polygon_edges(edge *edges, const float *p)
{
    int count = 0;

    for (int i = 0; i < 4; i++) {
        const float *from = p + 2 * i, *to = p + 2 * ((i + 1) % 4);
        const float dx = to[0] - from[0], dy = to[1] - from[1], l = length(dx, dy);

        if (l == 0) continue; /* a triangle's last corner, twice */
        edges[count].nx = dy / l;
        edges[count].ny = -dx / l;
        edges[count].offset = (dy * from[0] - dx * from[1]) / l;
        count++;
    }
    return count;
}

static vf polygon_distance(const edge *edges, int count, vf x, vf y)
{
    vf d = edges[0].nx * x + edges[0].ny * y - edges[0].offset;

    for (int i = 1; i < count; i++)
        d = vf_max(d, edges[i].nx * x + edges[i].ny * y - edges[i].offset);
    return d;
}

static vf line_distance(const float *p, vf x, vf y)
{
    const float dx = p[2] - p[0], dy = p[3] - p[1], squared = dx * dx + dy * dy;
    const vf px = x - p[0], py = y - p[1], along = (px * dx + py * dy) / squared;
    const vf t = vf_min(vf_max(along, vf_set1(0)), vf_set1(1));

    return lengths(px - t * dx, py - t * dy) - p[4];
}

/* Five points: fold the plane onto one half of one point, then the distance to that point's edge.
 * */
static vf star_distance(const float *p, vf x, vf y)
{
    static const float cos36 = 0.80901699437494742f, sin36 = 0.58778525229247313f;
    static const float inner = 0.42f; /* radius of the notches, of the points' */
    vf px = vf_abs(x - p[0]), py = p[1] - y; /* up is positive */

    for (int i = 0; i < 2; i++) { /* mirror lines at 54 and at -18 degrees, through each notch */
        const float nx = i ? -cos36 : cos36, ny = -sin36;
        const vf fold = vf_max(nx * px + ny * py, vf_set1(0)) * 2.0f;

        px -= fold * nx;
        py -= fold * ny;
    }
    px = vf_abs(px);

    /* the edge from the point (0, r) to the notch at 36 degrees beside it */
    const float ex = inner * p[2] * sin36, ey = inner * p[2] * cos36 - p[2];

    return ((py - p[2]) * ex - px * ey) / length(ex, ey);
}

static vf distance(const kiln_shape *shape, const edge *edges, int count, vf x, vf y)
{
    const float *p = shape->p;
    vf d = vf_set1(0);

    switch (shape->kind) {
    case KILN_ELLIPSE: d = ellipse_distance(p, x, y); break;
    case KILN_BOX: d = box_distance(p, x, y); break;
    case KILN_POLYGON: d = polygon_distance(edges, count, x, y); break;
    case KILN_LINE: d = line_distance(p, x, y); break;
    case KILN_RING: d = vf_abs(lengths(x - p[0], y - p[1]) - p[2]) - p[3]; break;
    case KILN_STAR: d = star_distance(p, x, y); break;
    }
    if (shape->part == KILN_UPPER) d = vf_max(d, y - p[1]);
    if (shape->part == KILN_LOWER) d = vf_max(d, p[1] - y);
    return d;
}

/* ---- painting -------------------------------------------------------------------------------- */

/* A circle around the shape, in its own coordinates. */
static float bounding_circle(const kiln_shape *shape, float *x, float *y)
{
    const float *p = shape->p;
    float r = 0;

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

static int pixel_at_least(float v)
{
    return v <= 0 ? 0 : v >= KILN_CANVAS ? KILN_CANVAS : (int)v;
}

void kiln_shape_paint(kiln_canvas *canvas, const kiln_shape *shape, const kiln_pose *pose,
                      const float color[3])
{
    static const float middle[16] = {0.5f, 1.5f, 2.5f,  3.5f,  4.5f,  5.5f,  6.5f,  7.5f,
                                     8.5f, 9.5f, 10.5f, 11.5f, 12.5f, 13.5f, 14.5f, 15.5f};
    float cx, cy;
    const float radius = bounding_circle(shape, &cx, &cy) * pose->reach + 1.0f;
    /* the circle's centre on the canvas: the pose's map, inverted (determinant 1 / scale²) */
    const float det = pose->a * pose->d - pose->b * pose->c;
    const float mx = pose->x + (pose->d * cx - pose->b * cy) / det;
    const float my = pose->y + (pose->a * cy - pose->c * cx) / det;
    const int top = pixel_at_least(my - radius), bottom = pixel_at_least(my + radius + 1.0f);
    const vf columns = vf_load(middle);
    edge edges[4];
    const int count = shape->kind == KILN_POLYGON ? polygon_edges(edges, shape->p) : 0;

    for (int h = top; h < bottom; h++) {
        const float py = (float)h + 0.5f - pose->y, away = (float)h + 0.5f - my;
        const float chord = __builtin_sqrtf(larger(radius * radius - away * away, 0)) + 1.0f;
        const int left = pixel_at_least(mx - chord), right = pixel_at_least(mx + chord);
        const vf first = vf_set1((float)left), last = vf_set1((float)right);

        for (int w = left / KILN_LANES * KILN_LANES; w < right; w += KILN_LANES) {
            const vf column = columns + (float)w, px = column - pose->x;
            const vf d = distance(shape, edges, count, pose->a * px + pose->b * py,
                                  pose->c * px + pose->d * py) * pose->scale;
            vf coverage = vf_min(vf_max(0.5f - d, vf_set1(0)), vf_set1(1));

            /* which pixels are asked is not to depend on the width of a vector */
            coverage = (vf)((vm)coverage & (column > first) & (column < last));
            for (int c = 0; c < 3; c++) {
                float *at = &canvas->rgb[c][h][w];
                const vf v = vf_load(at);

                vf_store(at, v + coverage * (color[c] - v));
            }
        }
    }
}
