/*
 * The program's pictures: PNG and JPEG files of every kind, written here by the same libraries, and
 * made small as a naive sum says. Files that are damaged in every way are refused with a sentence
 * or read; the sanitizers watch.
 */
#include <png.h>
/* which want stdio.h before them */
#include <jpeglib.h>

#include "../../src/cli/pictures.h"
#include "check.h"

typedef struct {
    uint8_t *bytes;
    size_t size;
} file;

/* ---- to size --------------------------------------------------------------------------------- */

static cli_pixels noise(int H, int W)
{
    cli_pixels p = {malloc((size_t)(H * W) * 3), H, W};
    uint64_t state = check_seed();

    for (int i = 0; i < H * W * 3; i++) p.rgb[i] = (uint8_t)check_random_bits(&state);
    return p;
}

static double overlap(double a, double b, double from, double to)
{
    const double size = fmin(b, to) - fmax(a, from);

    return size > 0 ? size : 0;
}

/* Channel c of output pixel (h, w): each source pixel by the area that both share, on white. */
static double naive(const cli_pixels *p, const cli_form *f, int c, int h, int w)
{
    const double high = (double)p->H / f->H, wide = (double)p->W / f->W;
    const double step = f->fit == CLI_FIT_CROP ? fmin(high, wide) : fmax(high, wide);
    const double top = (p->H - step * f->H) / 2 + h * step;
    const double left = (p->W - step * f->W) / 2 + w * step;
    double sum = 0, covered = 0;

    for (int y = 0; y < p->H; y++)
        for (int x = 0; x < p->W; x++) {
            const double area = overlap(top, top + step, y, y + 1) *
                                overlap(left, left + step, x, x + 1) / (step * step);

            sum += area * p->rgb[(y * p->W + x) * 3 + c];
            covered += area;
        }
    return sum + 255 * (1 - covered);
}

static void check_reduce(int H, int W, cli_form f)
{
    cli_pixels p = noise(H, W);
    uint8_t planes[3 * 64 * 64 + 1];

    memset(planes, 77, sizeof planes);
    assert_int_equal(cli_picture_reduce(planes, &f, &p), 0);
    for (int h = 0; h < f.H; h++)
        for (int w = 0; w < f.W; w++) {
            const double rgb[3] = {naive(&p, &f, 0, h, w), naive(&p, &f, 1, h, w),
                                   naive(&p, &f, 2, h, w)};
            const double grey = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];

            for (int c = 0; c < f.C; c++)
                CHECK_NEAR(planes[(c * f.H + h) * f.W + w], f.C == 1 ? grey : rgb[c], 0.5 + 1e-9);
        }
    assert_int_equal(planes[f.C * f.H * f.W], 77); /* nothing beyond */
    free(p.rgb);
}

static void pixels_are_means_of_areas(void **state)
{
    static const int sizes[][2] = {{1, 1}, {2, 3}, {31, 32}, {33, 40}, {64, 20}, {150, 61}};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int fit = CLI_FIT_CROP; fit <= CLI_FIT_PAD; fit++) {
            check_reduce(sizes[i][0], sizes[i][1], (cli_form){3, 32, 32, (enum cli_fit)fit});
            check_reduce(sizes[i][0], sizes[i][1], (cli_form){1, 28, 28, (enum cli_fit)fit});
            check_reduce(sizes[i][0], sizes[i][1], (cli_form){3, 7, 12, (enum cli_fit)fit});
        }
}

/* A picture of the size asked for is itself. */
static void the_right_size_stays(void **state)
{
    const cli_form f = {3, 32, 32, CLI_FIT_CROP};
    cli_pixels p = noise(32, 32);
    uint8_t planes[3 * 32 * 32];

    (void)state;
    assert_int_equal(cli_picture_reduce(planes, &f, &p), 0);
    for (int i = 0; i < 32 * 32; i++)
        for (int c = 0; c < 3; c++) assert_int_equal(planes[c * 1024 + i], p.rgb[3 * i + c]);
    free(p.rgb);
}

/* ---- PNG ------------------------------------------------------------------------------------- */

enum { SIDE = 9 };

static void append(png_structp png, png_bytep bytes, png_size_t size)
{
    file *f = png_get_io_ptr(png);

    f->bytes = realloc(f->bytes, f->size + size);
    memcpy(f->bytes + f->size, bytes, size);
    f->size += size;
}

/* SIDE rows as they lie in `rows`, of so many bytes each. */
static file write_png(int depth, int kind, int interlaced, uint8_t *rows, size_t row_bytes)
{
    static const png_color palette[4] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {9, 8, 7}};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_bytep row[SIDE];
    file f = {NULL, 0};

    png_set_write_fn(png, &f, append, NULL);
    png_set_IHDR(png, info, SIDE, SIDE, depth, kind,
                 interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (kind == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 4);
    png_write_info(png, info);
    for (int y = 0; y < SIDE; y++) row[y] = rows + (size_t)y * row_bytes;
    png_write_image(png, row);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return f;
}

/* A picture of one colour, whose pixels are stored as these bytes. */
static void check_png(int depth, int kind, int interlaced, const uint8_t *pixel, int pixel_bytes,
                      int r, int g, int b)
{
    uint8_t rows[SIDE * SIDE * 8];
    cli_pixels p;
    const char *wrong;
    file f;

    for (int i = 0; i < SIDE * SIDE; i++)
        memcpy(rows + i * pixel_bytes, pixel, (size_t)pixel_bytes);
    f = write_png(depth, kind, interlaced, rows, (size_t)(SIDE * pixel_bytes));
    wrong = cli_picture_decode(&p, f.bytes, f.size);
    if (wrong) CHECK_FAIL("depth %d, kind %d: %s", depth, kind, wrong);
    CHECK(p.H == SIDE && p.W == SIDE);
    for (int i = 0; i < SIDE * SIDE; i++)
        if (p.rgb[3 * i] != r || p.rgb[3 * i + 1] != g || p.rgb[3 * i + 2] != b)
            CHECK_FAIL("depth %d, kind %d: %d %d %d", depth, kind, p.rgb[3 * i], p.rgb[3 * i + 1],
                       p.rgb[3 * i + 2]);
    free(p.rgb);
    free(f.bytes);
}

static void png_of_every_kind(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        check_png(8, PNG_COLOR_TYPE_RGB, i, (uint8_t[]){200, 100, 3}, 3, 200, 100, 3);
        check_png(8, PNG_COLOR_TYPE_GRAY, i, (uint8_t[]){77}, 1, 77, 77, 77);
        check_png(8, PNG_COLOR_TYPE_PALETTE, i, (uint8_t[]){3}, 1, 9, 8, 7);
        check_png(16, PNG_COLOR_TYPE_RGB, i, (uint8_t[]){200, 200, 100, 100, 3, 3}, 6, 200, 100, 3);
        check_png(16, PNG_COLOR_TYPE_GRAY, i, (uint8_t[]){50, 50}, 2, 50, 50, 50);
        check_png(8, PNG_COLOR_TYPE_RGBA, i, (uint8_t[]){200, 100, 3, 255}, 4, 200, 100, 3);
        check_png(8, PNG_COLOR_TYPE_RGBA, i, (uint8_t[]){200, 100, 3, 0}, 4, 255, 255, 255);
        check_png(8, PNG_COLOR_TYPE_RGBA, i, (uint8_t[]){0, 100, 255, 51}, 4, 204, 224, 255);
        check_png(8, PNG_COLOR_TYPE_GRAY_ALPHA, i, (uint8_t[]){0, 128}, 2, 127, 127, 127);
    }
}

/* ---- JPEG ------------------------------------------------------------------------------------ */

enum { LONG = 32, SHORT = 16 };

/* SHORT rows of LONG pixels of `channels` bytes; `how` the camera was held, 0: not said. */
static file write_jpeg(const uint8_t *rows, int channels, J_COLOR_SPACE space, int how)
{
    uint8_t exif[] = {'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12,
                      0, 3, 0, 0, 0, 1, 0, (uint8_t)how, 0, 0, 0, 0, 0, 0};
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long size = 0;

    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &size);
    jpeg.image_width = LONG, jpeg.image_height = SHORT;
    jpeg.input_components = channels;
    jpeg.in_color_space = space;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    if (how) jpeg_write_marker(&jpeg, JPEG_APP0 + 1, exif, sizeof exif);
    for (int y = 0; y < SHORT; y++) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(rows + y * LONG * channels);

        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return (file){bytes, size};
}

static void check_jpeg(const uint8_t *pixel, int channels, J_COLOR_SPACE space, int r, int g, int b)
{
    uint8_t rows[LONG * SHORT * 4];
    const int wanted[3] = {r, g, b};
    const char *wrong;
    cli_pixels p;
    file f;

    for (int i = 0; i < LONG * SHORT; i++) memcpy(rows + i * channels, pixel, (size_t)channels);
    f = write_jpeg(rows, channels, space, 0);
    wrong = cli_picture_decode(&p, f.bytes, f.size);
    if (wrong) CHECK_FAIL("%d channels: %s", channels, wrong);
    CHECK(p.H == SHORT && p.W == LONG);
    for (int i = 0; i < LONG * SHORT * 3; i++) CHECK_NEAR(p.rgb[i], wanted[i % 3], 3);
    free(p.rgb);
    free(f.bytes);
}

static void jpeg_of_every_kind(void **state)
{
    (void)state;
    check_jpeg((uint8_t[]){200, 100, 30}, 3, JCS_RGB, 200, 100, 30);
    check_jpeg((uint8_t[]){90}, 1, JCS_GRAYSCALE, 90, 90, 90);
    check_jpeg((uint8_t[]){200, 100, 30, 128}, 4, JCS_CMYK, 100, 50, 15); /* Adobe's: 255 - ink */
}

/* The colours of the four corners, as digits: 1 red, 2 green, 3 blue, 4 white; by rows. */
static int corners(const cli_pixels *p)
{
    int digits = 0;

    for (int i = 0; i < 4; i++) {
        const int y = i / 2 ? p->H - 3 : 2, x = i % 2 ? p->W - 3 : 2;
        const uint8_t *rgb = p->rgb + 3 * (y * p->W + x);
        const int red = rgb[0] > 128, green = rgb[1] > 128, blue = rgb[2] > 128;

        digits = 10 * digits + (red && green ? 4 : red ? 1 : green ? 2 : blue ? 3 : 0);
    }
    return digits;
}

/* The rows have red, green / blue, white in their corners; what upright makes of them follows from
 * the definitions of the tag: 6, for example, is turned by 90 degrees clockwise. */
static void pictures_are_turned_upright(void **state)
{
    static const int read_as[9] = {1234, 1234, 2143, 4321, 3412, 1324, 3142, 4231, 2413};
    static const uint8_t colour[4][3] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 255}};
    uint8_t rows[LONG * SHORT * 3];

    (void)state;
    for (int y = 0; y < SHORT; y++)
        for (int x = 0; x < LONG; x++)
            memcpy(rows + 3 * (y * LONG + x), colour[2 * (y >= SHORT / 2) + (x >= LONG / 2)], 3);
    for (int how = 0; how <= 8; how++) {
        file f = write_jpeg(rows, 3, JCS_RGB, how);
        cli_pixels p;

        assert_null(cli_picture_decode(&p, f.bytes, f.size));
        CHECK(how < 5 ? p.H == SHORT && p.W == LONG : p.H == LONG && p.W == SHORT);
        assert_int_equal(corners(&p), read_as[how]);
        free(p.rgb);
        free(f.bytes);
    }
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void check_refused(const void *bytes, size_t size, const char *sentence)
{
    cli_pixels p;
    const char *wrong = cli_picture_decode(&p, bytes, size);

    if (!wrong || !strstr(wrong, sentence))
        CHECK_FAIL("%s, not: %s", wrong ? wrong : "read", sentence);
    assert_null(p.rgb);
}

static void what_is_no_whole_picture_is_refused(void **state)
{
    uint8_t rows[LONG * SHORT * 3] = {0};
    file png = write_png(8, PNG_COLOR_TYPE_RGB, 0, rows, SIDE * 3);
    file jpeg = write_jpeg(rows, 3, JCS_RGB, 0);
    static const uint8_t huge[] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13, 'I', 'H', 'D',
                                   'R', 0, 1, 0, 0, 0, 1, 0, 0, 8, 2, 0, 0, 0, 0xd7, 0x30, 0x04,
                                   0x3e};

    (void)state;
    check_refused("", 0, "the file is empty");
    check_refused("hello, world", 12, "neither PNG nor JPEG");
    check_refused("GIF89a......", 12, "is a GIF picture");
    check_refused("RIFF....WEBPVP8 ", 16, "is a WebP picture");
    check_refused("....ftypheic", 12, "is a HEIC or AVIF picture");
    check_refused("BM..........", 12, "is a BMP picture");
    for (size_t size = 8; size < png.size; size++) check_refused(png.bytes, size, "");
    for (size_t size = 3; size < jpeg.size - 2; size++) check_refused(jpeg.bytes, size, "");
    check_refused(jpeg.bytes, jpeg.size - 4, "damaged or cut short");
    check_refused(huge, sizeof huge, "");
    free(png.bytes);
    free(jpeg.bytes);
}

/* Files with some bytes changed are read or refused; nothing is touched that is not theirs. */
static void damaged_files_harm_nothing(void **state)
{
    uint8_t rows[LONG * SHORT * 4];
    uint64_t random = check_seed();
    file files[4];

    (void)state;
    for (size_t i = 0; i < sizeof rows; i++) rows[i] = (uint8_t)check_random_bits(&random);
    files[0] = write_png(8, PNG_COLOR_TYPE_RGBA, 1, rows, SIDE * 4);
    files[1] = write_jpeg(rows, 3, JCS_RGB, 6);
    files[2] = write_jpeg(rows, 4, JCS_CMYK, 3);
    files[3] = write_png(8, PNG_COLOR_TYPE_PALETTE, 0, memset(rows, 1, sizeof rows), SIDE);
    for (int i = 0; i < 4; i++) {
        uint8_t *copy = malloc(files[i].size);

        for (int try = 0; try < 400; try++) {
            cli_pixels p;

            memcpy(copy, files[i].bytes, files[i].size);
            for (int k = 0; k <= try % 4; k++)
                copy[check_random_bits(&random) % files[i].size] =
                    (uint8_t)check_random_bits(&random);
            if (cli_picture_decode(&p, copy, files[i].size)) continue;
            CHECK(p.rgb && p.H > 0 && p.W > 0);
            free(p.rgb);
        }
        free(copy);
        free(files[i].bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_are_means_of_areas),
        cmocka_unit_test(the_right_size_stays),
        cmocka_unit_test(png_of_every_kind),
        cmocka_unit_test(jpeg_of_every_kind),
        cmocka_unit_test(pictures_are_turned_upright),
        cmocka_unit_test(what_is_no_whole_picture_is_refused),
        cmocka_unit_test(damaged_files_harm_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
