/* UUIDs: time-ordered version 7 (RFC 9562 §5.7) for every id the hub makes. Within one generator ids never go back,
 * also when the wall clock does. Not thread-safe: one generator a thread, or the caller's lock.
 */
#pragma once

#include "base/text.h"

typedef struct Uuid {
        uint8_t bytes[16];
} Uuid;

#define UUID_STRING_SIZE 37 /* 36 and NUL */

typedef struct UuidGenerator {
        uint64_t last_ms;
        uint32_t counter;                 /* RFC 9562 §6.2, method 1: 12 bits of rand_a and 14 of rand_b */
        uint64_t (*random)(void *source); /* NULL: the system's; the simulator gives its own */
        void *source;
} UuidGenerator;

Uuid uuid_make(UuidGenerator *generator, int64_t wall_us);
/* The smallest version 7 id of that moment: bounds of partitions. */
Uuid uuid_lowest(int64_t wall_us);
int64_t uuid_wall_ms(Uuid uuid);
bool uuid_parse(Text text, Uuid *ret_uuid) _must_check_; /* the 36-character form, either case */
void uuid_format(Uuid uuid, char ret_string[static UUID_STRING_SIZE]);

static inline bool uuid_equal(Uuid a, Uuid b) {
        return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}
static inline int uuid_compare(Uuid a, Uuid b) {
        return memcmp(a.bytes, b.bytes, sizeof(a.bytes));
}
static inline bool uuid_is_zero(Uuid uuid) {
        return uuid_equal(uuid, (Uuid){ { 0 } });
}
