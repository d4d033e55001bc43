#include "orchestrator/http/wheel.h"

#include "base/arena.h"

#define SLOTS 1024 /* 20 s around; what is due later is put at the far end and looked at again there */
#define WORDS (SLOTS / 64)

struct Wheel {
        int64_t tick;         /* all earlier slots are empty */
        uint64_t used[WORDS]; /* which slots hold something; may say so of one just emptied */
        WheelEntry *slots[SLOTS];
};

Wheel *wheel_new(int64_t now_us) {
        Wheel *wheel = memory_new(sizeof(*wheel));
        wheel->tick = now_us / WHEEL_TICK;
        return wheel;
}

void wheel_remove(Wheel *wheel, WheelEntry *entry) {
        (void) wheel;
        if (!entry->link)
                return;
        *entry->link = entry->next;
        if (entry->next)
                entry->next->link = entry->link;
        entry->next = NULL;
        entry->link = NULL;
}

void wheel_put(Wheel *wheel, WheelEntry *entry, int64_t due_us) {
        wheel_remove(wheel, entry);

        int64_t tick = due_us / WHEEL_TICK + 1;
        if (tick < wheel->tick)
                tick = wheel->tick;
        if (tick > wheel->tick + SLOTS - 1)
                tick = wheel->tick + SLOTS - 1;

        const size_t slot = (size_t) (tick % SLOTS);
        entry->due_us = due_us;
        entry->next = wheel->slots[slot];
        entry->link = &wheel->slots[slot];
        if (entry->next)
                entry->next->link = &entry->next;
        wheel->slots[slot] = entry;
        wheel->used[slot / 64] |= UINT64_C(1) << (slot % 64);
}

WheelEntry *wheel_take(Wheel *wheel, int64_t now_us) {
        const int64_t now_tick = now_us / WHEEL_TICK;

        /* Once around is enough: nothing lies further ahead than that. */
        if (now_tick - wheel->tick >= SLOTS)
                wheel->tick = now_tick - SLOTS + 1;
        for (; wheel->tick <= now_tick; wheel->tick++) {
                const size_t slot = (size_t) (wheel->tick % SLOTS);
                WheelEntry *entry;
                while ((entry = wheel->slots[slot])) {
                        wheel_remove(wheel, entry);
                        if (entry->due_us <= now_us)
                                return entry;
                        wheel_put(wheel, entry, entry->due_us);
                }
                wheel->used[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
        }
        return NULL;
}

int64_t wheel_next_us(const Wheel *wheel) {
        for (int64_t ahead = 0; ahead < SLOTS;) {
                const size_t slot = (size_t) ((wheel->tick + ahead) % SLOTS);
                const uint64_t rest = wheel->used[slot / 64] >> (slot % 64);
                if (rest != 0)
                        return (wheel->tick + ahead + __builtin_ctzll(rest)) * WHEEL_TICK;
                ahead += 64 - (int64_t) (slot % 64);
        }
        return INT64_MAX;
}

void wheel_free(Wheel *wheel) {
        free(wheel);
}
