/*
 * PNG and JPEG files as rows of R, G, B.
 *
 * Of a PNG any depth and kind of colour is taken, by libpng's simplified interface; of an animation
 * the first picture. Of a JPEG grey, YCbCr, RGB, and the CMYK of presses, which is 255 - ink where
 * Adobe wrote it. Where a camera says how it was held (Exif, tag 0x0112) the picture is turned
 * upright. A file that is damaged or cut short is refused with what the library says of it. Pixels
 * are those of Chromium, but for rounding (by 1 of 255) of 16 bits a channel and of inks, and for
 * the colours of a PNG that names a gamma of its own.
 *
 * Sources: libpng manual, section "Simplified API"; libjpeg-turbo, example.c and libjpeg.txt;
 * Exif 2.32, section 4.6.
 */
#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* which want stdio.h before them */
#include <jpeglib.h>
#include <jerror.h>

#include "pictures.h"

#define FILE_MOST 64000000    /* bytes */
#define PIXELS_MOST 100000000 /* of a picture: 300 MB */

static char problem[JMSG_LENGTH_MAX];

static const char *refuse(const char *what)
{
    snprintf(problem, sizeof problem, "%s", what);
    return problem;
}

/* What a library says of a file. */
static const char *unreadable(const char *kind, const char *why)
{
    char copy[JMSG_LENGTH_MAX];

    snprintf(copy, sizeof copy, "%s", why); /* may be `problem` itself */
    snprintf(problem, sizeof problem, "the %s cannot be read: %.150s", kind, copy);
    return problem;
}

static const char *take_memory(cli_pixels *p, double H, double W)
{
    if (H * W > PIXELS_MOST) return refuse("has more than 100 million pixels");
    p->H = (int)H, p->W = (int)W;
    p->rgb = malloc((size_t)p->H * (size_t)p->W * 3);
    return p->rgb ? NULL : refuse("is too large for the memory there is");
}

/* ---- Exif ------------------------------------------------------------------------------------ */

static unsigned whole(const uint8_t *at, int bytes, int little)
{
    unsigned value = 0;

    for (int i = 0; i < bytes; i++) value = value << 8 | at[little ? bytes - 1 - i : i];
    return value;
}

/* The tag Orientation of the first directory: 1..8; 1 (upright) where there is none. */
static int orientation(const uint8_t *tiff, size_t rest)
{
    size_t at, entries;
    int little;

    if (rest < 8) return 1;
    little = tiff[0] == 'I';
    at = whole(tiff + 4, 4, little);
    if (at > rest - 2) return 1;
    entries = whole(tiff + at, 2, little);
    for (at += 2; entries > 0 && at + 12 <= rest; entries--, at += 12) {
        const unsigned value = whole(tiff + at + 8, 2, little);

        if (whole(tiff + at, 2, little) == 0x0112) return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

/* The picture upright: 2 was mirrored, 3 lies on its head, 4 both; 5 to 8 lie on a side. */
static const char *turn(cli_pixels *p, int how)
{
    const int swap = how >= 5, H = swap ? p->W : p->H, W = swap ? p->H : p->W;
    cli_pixels upright;
    const char *wrong;

    if (how == 1) return NULL;
    if ((wrong = take_memory(&upright, H, W))) return wrong;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            int row = swap ? x : y, column = swap ? y : x;

            if (how == 3 || how == 4 || how == 6 || how == 7) row = p->H - 1 - row;
            if (how == 2 || how == 3 || how == 7 || how == 8) column = p->W - 1 - column;
            memcpy(upright.rgb + 3 * ((size_t)y * (size_t)W + (size_t)x),
                   p->rgb + 3 * ((size_t)row * (size_t)p->W + (size_t)column), 3);
        }
    free(p->rgb);
    *p = upright;
    return NULL;
}

/* ---- PNG ------------------------------------------------------------------------------------- */

/* n pixels of R, G, B, A on white. */
static void lay_on_white(uint8_t *rgb, const uint8_t *rgba, size_t n)
{
    for (size_t i = 0; i < n; i++, rgb += 3, rgba += 4)
        for (int c = 0; c < 3; c++)
            rgb[c] = (uint8_t)((rgba[c] * rgba[3] + 255 * (255 - rgba[3]) + 127) / 255);
}

static const char *decode_png(cli_pixels *p, png_image *image)
{
    const double n = (double)image->height * image->width;
    const char *wrong = take_memory(p, image->height, image->width);
    uint8_t *rgba;

    if (wrong) return wrong;
    image->format = PNG_FORMAT_RGBA;
    image->flags |= PNG_IMAGE_FLAG_16BIT_sRGB; /* as browsers take 16 bits */
    if (!(rgba = malloc((size_t)n * 4))) return refuse("is too large for the memory there is");
    if (png_image_finish_read(image, NULL, rgba, 0, NULL))
        lay_on_white(p->rgb, rgba, (size_t)n);
    else
        wrong = unreadable("PNG", image->message);
    free(rgba);
    return wrong;
}

/* What the first chunk of a type holds; NULL where there is none before the file ends. */
static const uint8_t *find_chunk(const uint8_t *bytes, size_t size, const char *type,
                                 size_t *length)
{
    for (size_t at = 8; at + 12 <= size; at += 12 + *length) {
        *length = whole(bytes + at, 4, 0);
        if (*length > size - at - 12) return NULL;
        if (memcmp(bytes + at + 4, type, 4) == 0) return bytes + at + 8;
    }
    return NULL;
}

static const char *read_png(cli_pixels *p, const uint8_t *bytes, size_t size)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    const uint8_t *exif;
    const char *wrong;
    size_t length;

    if (!png_image_begin_read_from_memory(&image, bytes, size))
        return unreadable("PNG", image.message);
    wrong = decode_png(p, &image);
    png_image_free(&image);
    if (wrong) return wrong;
    if (!find_chunk(bytes, size, "IEND", &length)) return refuse("the PNG is cut short");
    exif = find_chunk(bytes, size, "eXIf", &length);
    return turn(p, exif ? orientation(exif, length) : 1);
}

/* ---- JPEG ------------------------------------------------------------------------------------ */

/* libjpeg's error manager, and where to go on after an error. */
typedef struct {
    struct jpeg_error_mgr base; /* first, so that a pointer to it is one to all */
    jmp_buf back;
    int cut; /* bytes are missing */
    int how; /* the camera was held: see turn */
} jpeg_errors;

static void leave(j_common_ptr jpeg)
{
    jpeg->err->format_message(jpeg, problem);
    longjmp(((jpeg_errors *)(void *)jpeg->err)->back, 1);
}

/* Of warnings those count that say the picture is not whole. */
static void note_warning(j_common_ptr jpeg, int level)
{
    const int code = jpeg->err->msg_code;

    if (level < 0 && (code == JWRN_HIT_MARKER || code == JWRN_JPEG_EOF))
        ((jpeg_errors *)(void *)jpeg->err)->cut = 1;
}

/* W pixels of C, M, Y, K in place as R, G, B. */
static void convert_inks(uint8_t *row, const uint8_t *inks, int W, int inverted)
{
    for (int x = 0; x < W; x++, inks += 4)
        for (int c = 0; c < 3; c++) {
            const int ink = inverted ? inks[c] : 255 - inks[c];
            const int black = inverted ? inks[3] : 255 - inks[3];

            row[3 * x + c] = (uint8_t)((ink * black + 127) / 255);
        }
}

/* The rows; `inks` has one of four bytes a pixel where the colours are a press's, else is NULL. */
static void read_rows(cli_pixels *p, struct jpeg_decompress_struct *jpeg, uint8_t *inks)
{
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *to = p->rgb + (size_t)jpeg->output_scanline * (size_t)p->W * 3;
        JSAMPROW row = inks ? inks : to;

        jpeg_read_scanlines(jpeg, &row, 1);
        if (inks) convert_inks(to, inks, p->W, jpeg->saw_Adobe_marker);
    }
}

static const char *decode_jpeg(cli_pixels *p, struct jpeg_decompress_struct *jpeg,
                               jpeg_errors *errors)
{
    uint8_t *inks = NULL;
    const char *wrong;

    jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(jpeg, TRUE);
    for (jpeg_saved_marker_ptr m = jpeg->marker_list; m && errors->how == 1; m = m->next)
        if (m->data_length > 6 && memcmp(m->data, "Exif\0\0", 6) == 0)
            errors->how = orientation(m->data + 6, m->data_length - 6);
    jpeg->dct_method = JDCT_ISLOW; /* the same everywhere */
    if ((wrong = take_memory(p, jpeg->image_height, jpeg->image_width))) return wrong;
    if (jpeg->num_components == 4) {
        jpeg->out_color_space = JCS_CMYK;
        inks = (*jpeg->mem->alloc_large)((j_common_ptr)jpeg, JPOOL_IMAGE, (size_t)p->W * 4);
    } else {
        jpeg->out_color_space = JCS_RGB;
    }
    jpeg_start_decompress(jpeg);
    read_rows(p, jpeg, inks);
    jpeg_finish_decompress(jpeg);
    return errors->cut ? refuse("the JPEG is damaged or cut short") : NULL;
}

static const char *read_jpeg(cli_pixels *p, const uint8_t *bytes, size_t size)
{
    struct jpeg_decompress_struct jpeg = {0};
    jpeg_errors errors = {.how = 1};
    const char *wrong;

    jpeg.err = jpeg_std_error(&errors.base);
    errors.base.error_exit = leave;
    errors.base.emit_message = note_warning;
    if (setjmp(errors.back)) {
        jpeg_destroy_decompress(&jpeg);
        return unreadable("JPEG", problem);
    }
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, bytes, (unsigned long)size);
    wrong = decode_jpeg(p, &jpeg, &errors);
    jpeg_destroy_decompress(&jpeg);
    return wrong ? wrong : turn(p, errors.how);
}

/* ---- a file ---------------------------------------------------------------------------------- */

static const char *decode(cli_pixels *p, const uint8_t *bytes, size_t size)
{
    static const struct {
        const char *start;
        int at;
        const char *what;
    } others[] = {
        {"GIF8", 0, "is a GIF picture; kiln reads PNG and JPEG here"},
        {"WEBP", 8, "is a WebP picture; kiln reads PNG and JPEG here"},
        {"ftyp", 4, "is a HEIC or AVIF picture; kiln reads PNG and JPEG here"},
        {"BM", 0, "is a BMP picture; kiln reads PNG and JPEG here"},
    };

    if (size >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0) return read_png(p, bytes, size);
    if (size >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0) return read_jpeg(p, bytes, size);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (size >= 12 &&
            memcmp(bytes + others[i].at, others[i].start, strlen(others[i].start)) == 0)
            return refuse(others[i].what);
    return refuse(size ? "is no picture: neither PNG nor JPEG" : "the file is empty");
}

const char *cli_picture_decode(cli_pixels *p, const uint8_t *bytes, size_t size)
{
    const char *wrong;

    *p = (cli_pixels){NULL, 0, 0};
    wrong = decode(p, bytes, size);
    if (!wrong) return NULL;
    free(p->rgb);
    p->rgb = NULL;
    return wrong;
}

static const char *read_bytes(uint8_t *bytes, size_t *have, FILE *file)
{
    *have = fread(bytes, 1, FILE_MOST + 1, file);
    if (ferror(file)) return refuse(strerror(errno));
    return *have > FILE_MOST ? refuse("has more than 64 MB") : NULL;
}

const char *cli_picture_read(uint8_t *planes, const cli_form *form, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    uint8_t *bytes = file ? malloc(FILE_MOST + 1) : NULL;
    const char *wrong = bytes ? NULL : refuse(strerror(errno));
    cli_pixels p = {NULL, 0, 0};
    size_t have = 0;

    if (!wrong) wrong = read_bytes(bytes, &have, file);
    if (!wrong) wrong = cli_picture_decode(&p, bytes, have);
    if (!wrong && cli_picture_reduce(planes, form, &p) < 0)
        wrong = refuse("is too large for the memory there is");
    if (file && file != stdin) fclose(file);
    free(bytes);
    free(p.rgb);
    return wrong;
}
