/* A hash map from bytes to a pointer: open addressing, SipHash keyed at random per process, so that nobody outside can
 * choose collisions. Keys are borrowed: they must live as long as their entry. Values are never NULL. It is walked in
 * the order of first insertion, whatever the hash key, so that a run can be repeated. Growing moves all entries in one
 * go, never the values they point to.
 *
 * One thread at a time; never blocks.
 */
#pragma once

#include "base/text.h"

typedef struct Map Map;

Map *map_new(size_t expected);
void *map_get(const Map *map, Text key);
/* Puts or replaces, key and value both; returns the value that stood there before. */
void *map_put(Map *map, Text key, void *value);
void *map_remove(Map *map, Text key);
size_t map_count(const Map *map);
/* for (size_t i = 0; (value = map_each(map, &i));) — no change to the map meanwhile, save removing the current one. */
void *map_each(const Map *map, size_t *iterator);
void map_free(Map *map);
DEFINE_RELEASE(Map *, map_free)

/* A key of fixed bytes, such as a Uuid or a Hash. */
#define MAP_KEY(fixed) ((Text){ (const char *) &(fixed), sizeof(fixed) })
