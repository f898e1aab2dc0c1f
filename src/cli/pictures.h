/*
 * Pictures that people have: PNG and JPEG files, by Debian's libpng and libjpeg, brought to the
 * size of a data set's images, and a folder of folders of them as a data set.
 */
#ifndef KILN_CLI_PICTURES_H
#define KILN_CLI_PICTURES_H

#include <stddef.h>
#include <stdint.h>

#include "arguments.h"

/* Rows of R, G, B. */
typedef struct {
    uint8_t *rgb; /* to be freed */
    int H, W;
} cli_pixels;

/* crop: cut about the middle to the proportions of H and W; pad: all of it, on white. */
enum cli_fit { CLI_FIT_CROP, CLI_FIT_PAD };

/* What pictures become: channels (1: grey, 3), height and width, 1..64. */
typedef struct {
    int C, H, W;
    enum cli_fit fit;
} cli_form;

/* --input and --fit; without them 3x32x32, cut. 0, or 2 with a sentence. */
int cli_form_read(cli_form *form, const cli_arguments *a);

/* A PNG or JPEG of `size` bytes; transparency on white, turned as its camera was held. NULL, or
 * what is wrong with it, which lives until the next call. */
const char *cli_picture_decode(cli_pixels *p, const uint8_t *bytes, size_t size);

/* The picture as planes (C, H, W), 0..255: each pixel the mean of what it covers, the same bytes as
 * the page's (web/pictures/read-picture.ts). 0, or -1 where there is no memory. */
int cli_picture_reduce(uint8_t *planes, const cli_form *form, const cli_pixels *p);

/* Both, of a file, or of standard input ("-"). NULL, or what is wrong with it; the planes are then
 * as they were. */
const char *cli_picture_read(uint8_t *planes, const cli_form *form, const char *path);

/* Is there a folder of pictures in this folder? */
int cli_pictures_are_in(const char *folder);
/* Adds the pictures in the folders of `folder`, of which each is a class by its name, to a data set
 * as a kiln set that is not split. What is no picture is listed on stderr and left out. 0 or an
 * exit code. */
int cli_pictures_add(int data, const char *folder, const cli_form *form);

#endif
