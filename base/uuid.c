#include "base/uuid.h"
#include "base/crypto.h"

#define COUNTER_BITS 26
#define COUNTER_MASK ((UINT32_C(1) << COUNTER_BITS) - 1)
/* A new millisecond starts in the lower half, so that the counter has room. */
#define COUNTER_START_MASK (COUNTER_MASK >> 1)
#define TIME_MASK          ((UINT64_C(1) << 48) - 1)

static uint64_t draw(const UuidGenerator *generator) {
        return generator->random ? generator->random(generator->source) : crypto_random_uint64();
}

static Uuid assemble(uint64_t ms, uint32_t counter, uint64_t random) {
        uint64_t high = (ms & TIME_MASK) << 16 | UINT64_C(0x7000) | counter >> 14;
        uint64_t low = UINT64_C(2) << 62 | (uint64_t) (counter & 0x3FFF) << 48 | (random & TIME_MASK);
        Uuid uuid;
        for (int i = 0; i < 8; i++) {
                uuid.bytes[i] = (uint8_t) (high >> (56 - 8 * i));
                uuid.bytes[8 + i] = (uint8_t) (low >> (56 - 8 * i));
        }
        return uuid;
}

static uint64_t milliseconds(int64_t wall_us) {
        return wall_us < 0 ? 0 : (uint64_t) wall_us / 1000;
}

Uuid uuid_make(UuidGenerator *generator, int64_t wall_us) {
        uint64_t ms = milliseconds(wall_us), random = draw(generator);
        if (ms > generator->last_ms) {
                generator->last_ms = ms;
                generator->counter = (uint32_t) (draw(generator) & COUNTER_START_MASK);
        } else if (generator->counter < COUNTER_MASK) {
                generator->counter++;
        } else {
                /* Spent within one millisecond, or the clock stands still: time is borrowed (RFC 9562 §6.2). */
                generator->last_ms++;
                generator->counter = (uint32_t) (draw(generator) & COUNTER_START_MASK);
        }
        return assemble(generator->last_ms, generator->counter, random);
}

Uuid uuid_lowest(int64_t wall_us) {
        return assemble(milliseconds(wall_us), 0, 0);
}

int64_t uuid_wall_ms(Uuid uuid) {
        int64_t ms = 0;
        for (int i = 0; i < 6; i++)
                ms = ms << 8 | uuid.bytes[i];
        return ms;
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

static bool is_dash_position(size_t i) {
        return i == 8 || i == 13 || i == 18 || i == 23;
}

bool uuid_parse(Text text, Uuid *ret_uuid) {
        if (text.length != UUID_STRING_SIZE - 1)
                return false;
        Uuid uuid;
        for (size_t i = 0, byte = 0; i < text.length;) {
                if (is_dash_position(i)) {
                        if (text.bytes[i++] != '-')
                                return false;
                        continue;
                }
                int high = hex_digit(text.bytes[i]), low = hex_digit(text.bytes[i + 1]);
                if (high < 0 || low < 0)
                        return false;
                uuid.bytes[byte++] = (uint8_t) (high << 4 | low);
                i += 2;
        }
        *ret_uuid = uuid;
        return true;
}

void uuid_format(Uuid uuid, char ret_string[static UUID_STRING_SIZE]) {
        static const char digits[] = "0123456789abcdef";
        size_t at = 0;
        for (size_t i = 0; i < sizeof(uuid.bytes); i++) {
                if (is_dash_position(at))
                        ret_string[at++] = '-';
                ret_string[at++] = digits[uuid.bytes[i] >> 4];
                ret_string[at++] = digits[uuid.bytes[i] & 15];
        }
        ret_string[at] = '\0';
}
