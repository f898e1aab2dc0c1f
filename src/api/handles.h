/*
 * The table behind the integer handles of kiln.h. A handle is slot number plus a generation, so one
 * that was destroyed is told from the next object in its slot.
 */
#ifndef KILN_API_HANDLES_H
#define KILN_API_HANDLES_H

enum kiln_kind {
    KILN_KIND_NET = 1,
    KILN_KIND_DATA,
    KILN_KIND_TRAINER,
    KILN_KIND_CHECK,
    KILN_KIND_SURVEY
};

/* Takes a slot for `object`; returns the handle, or KILN_E_MEMORY when 64 objects live. */
int kiln_handle_put(enum kiln_kind kind, void *object);
/* The object, or NULL with the error set (KILN_E_HANDLE). */
void *kiln_handle_get(enum kiln_kind kind, int handle);
/* Frees the slot; returns the object as kiln_handle_get does. */
void *kiln_handle_take(enum kiln_kind kind, int handle);
int kiln_handle_count(enum kiln_kind kind);

/* A handle for an object that belongs to another, such as a trainer's net: kiln_handle_take refuses
 * it with KILN_E_STATE, its owner frees the slot by kiln_handle_recall (any number of times; 0 is
 * no handle). */
int kiln_handle_lend(enum kiln_kind kind, void *object);
void kiln_handle_recall(enum kiln_kind kind, int handle);

#endif
