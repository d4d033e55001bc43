#include "base/map.h"
#include "base/crypto.h"

#include <assert.h>

#define LEAST_CAPACITY 8

/* Entries stand in the order in which they came; `slots` finds them by hash. A removed entry leaves a hole (value
 * NULL), its slot is closed by shifting back those behind it. When the entries are full, both are made anew. */
typedef struct Entry {
        Text key;
        void *value;
        uint64_t hash;
} Entry;

struct Map {
        Entry *entries;
        uint32_t *slots; /* 1 + index of the entry; 0 is empty */
        size_t capacity; /* of entries; there are twice as many slots, a power of two */
        size_t filled;   /* entries from the start, with the holes */
        size_t count;
        uint8_t key[SHORT_HASH_KEY_SIZE];
};

static size_t slot_mask(const Map *map) {
        return map->capacity * 2 - 1;
}

static void allocate(Map *map, size_t capacity) {
        assert(capacity < UINT32_MAX / 2);
        map->capacity = LEAST_CAPACITY;
        while (map->capacity < capacity)
                map->capacity *= 2;
        map->entries = memory_new(map->capacity * sizeof(Entry));
        map->slots = memory_new(map->capacity * 2 * sizeof(uint32_t));
        map->filled = 0;
}

Map *map_new(size_t expected) {
        Map *map = memory_new(sizeof(Map));
        crypto_random(map->key, sizeof(map->key));
        allocate(map, expected);
        return map;
}

/* The slot where the key is, or the empty one where its search ends. */
static size_t find_slot(const Map *map, Text key, uint64_t hash) {
        size_t slot = hash & slot_mask(map);
        for (; map->slots[slot] != 0; slot = (slot + 1) & slot_mask(map)) {
                const Entry *entry = &map->entries[map->slots[slot] - 1];
                if (entry->hash == hash && text_equal(entry->key, key))
                        break;
        }
        return slot;
}

void *map_get(const Map *map, Text key) {
        uint32_t found = map->slots[find_slot(map, key, crypto_short_hash(map->key, key))];
        return found != 0 ? map->entries[found - 1].value : NULL;
}

static void append(Map *map, Entry entry) {
        size_t slot = find_slot(map, entry.key, entry.hash);
        map->entries[map->filled++] = entry;
        map->slots[slot] = (uint32_t) map->filled;
}

/* Twice what is there: at least as many puts follow as were moved, and a map that became empty shrinks. */
static void rebuild(Map *map) {
        Entry *entries = map->entries;
        size_t filled = map->filled;
        free(map->slots);
        allocate(map, map->count * 2);
        for (size_t i = 0; i < filled; i++)
                if (entries[i].value)
                        append(map, entries[i]);
        free(entries);
}

void *map_put(Map *map, Text key, void *value) {
        assert(value);
        uint64_t hash = crypto_short_hash(map->key, key);
        uint32_t found = map->slots[find_slot(map, key, hash)];
        if (found != 0) {
                Entry *entry = &map->entries[found - 1];
                void *before = entry->value;
                entry->key = key;
                entry->value = value;
                return before;
        }
        if (map->filled == map->capacity)
                rebuild(map);
        append(map, (Entry){ .key = key, .value = value, .hash = hash });
        map->count++;
        return NULL;
}

/* Moves back what a search would no longer find behind an empty slot. */
static void close_slot(Map *map, size_t empty) {
        size_t mask = slot_mask(map);
        for (size_t next = (empty + 1) & mask; map->slots[next] != 0; next = (next + 1) & mask) {
                size_t home = map->entries[map->slots[next] - 1].hash & mask;
                if (((next - home) & mask) < ((next - empty) & mask))
                        continue;
                map->slots[empty] = map->slots[next];
                empty = next;
        }
        map->slots[empty] = 0;
}

void *map_remove(Map *map, Text key) {
        size_t slot = find_slot(map, key, crypto_short_hash(map->key, key));
        if (map->slots[slot] == 0)
                return NULL;
        Entry *entry = &map->entries[map->slots[slot] - 1];
        void *value = entry->value;
        close_slot(map, slot);
        *entry = (Entry){ .value = NULL };
        map->count--;
        return value;
}

size_t map_count(const Map *map) {
        return map->count;
}

void *map_each(const Map *map, size_t *iterator) {
        while (*iterator < map->filled) {
                void *value = map->entries[(*iterator)++].value;
                if (value)
                        return value;
        }
        return NULL;
}

void map_free(Map *map) {
        free(map->entries);
        free(map->slots);
        free(map);
}
