#include "orchestrator/governance/levels.h"

#include "base/clock.h"

#include <stdlib.h>

/* Told once a second: so many rounds may be missed. */
#define KEPT_US (5 * SECONDS)
/* Of hubs that began to wait within the same so many milliseconds of the shared clock the one goes first whose id is
 * the smaller, and then goes on while it has something: to pass each other every single turn would take a round each.
 */
#define SPELL_MS 4096

typedef struct Told {
        struct Told *next;
        Uuid hub;
        int64_t told_ms, heard_us;
        Level *levels; /* ordered by limit */
        size_t count;
} Told;

struct Levels {
        Uuid own;
        Told *told;
};

static void told_free(Told *told) {
        free(told->levels);
        free(told);
}

Levels *levels_new(Uuid own) {
        Levels *levels = memory_new(sizeof(*levels));
        levels->own = own;
        return levels;
}

void levels_free(Levels *levels) {
        levels_forget(levels);
        free(levels);
}

static int level_compare(const void *first, const void *second) {
        return uuid_compare(((const Level *) first)->limit, ((const Level *) second)->limit);
}

void levels_hear(Levels *levels, const HubLevels *entry, int64_t monotonic_us) {
        Told *told = levels->told;

        while (told && !uuid_equal(told->hub, entry->hub))
                told = told->next;
        if (!told) {
                told = memory_new(sizeof(*told));
                told->hub = entry->hub;
                told->next = levels->told;
                levels->told = told;
        }
        told->told_ms = entry->told_ms;
        told->heard_us = monotonic_us;
        told->count = entry->count;
        told->levels = memory_resize(told->levels, (entry->count + 1) * sizeof(*told->levels));
        if (entry->count == 0)
                return;
        memcpy(told->levels, entry->levels, entry->count * sizeof(*told->levels));
        qsort(told->levels, told->count, sizeof(*told->levels), level_compare);
}

bool levels_expire(Levels *levels, int64_t monotonic_us) {
        bool found = false;

        for (Told **each = &levels->told; *each;) {
                Told *told = *each;
                if (monotonic_us - told->heard_us < KEPT_US) {
                        each = &told->next;
                        continue;
                }
                found |= told->count > 0;
                *each = told->next;
                told_free(told);
        }
        return found;
}

bool levels_forget(Levels *levels) {
        bool found = levels->told != NULL;

        while (levels->told) {
                Told *told = levels->told;
                levels->told = told->next;
                told_free(told);
        }
        return found;
}

/* One level with whose it is. */
typedef struct Share {
        const Told *told;
        const Level *level;
} Share;

static int share_compare(const void *first, const void *second) {
        return level_compare(((const Share *) first)->level, ((const Share *) second)->level);
}

static int64_t share_spell(const Share *share) {
        return (share->told->told_ms - share->level->waited_ms) / SPELL_MS;
}

static bool share_is_ahead(const Share *share, const Share *own) {
        if (!own || own->level->wanted <= 0)
                return true;
        int64_t spell = share_spell(share), of_own = share_spell(own);
        return spell < of_own || (spell == of_own && uuid_compare(share->told->hub, own->told->hub) < 0);
}

static LevelElsewhere add_up(const Levels *levels, const Share *shares, size_t count) {
        LevelElsewhere elsewhere = { .limit = shares[0].level->limit };
        const Share *own = NULL;

        for (size_t i = 0; i < count; i++)
                if (uuid_equal(shares[i].told->hub, levels->own))
                        own = &shares[i];
        for (size_t i = 0; i < count; i++) {
                const Level *level = shares[i].level;
                if (&shares[i] == own)
                        continue;
                elsewhere.held += level->held;
                if (level->wanted <= 0) {
                        elsewhere.content += level->held;
                        continue;
                }
                elsewhere.wanting++;
                elsewhere.ahead += share_is_ahead(&shares[i], own);
        }
        return elsewhere;
}

bool levels_elsewhere(const Levels *levels, Arena *arena, LevelElsewhere **ret_elsewhere, size_t *ret_count) {
        size_t count = 0, end;

        *ret_count = 0;
        for (const Told *told = levels->told; told; told = told->next)
                count += told->count;
        Share *shares = arena_take_array(arena, Share, count + 1);
        LevelElsewhere *elsewhere = arena_take_array(arena, LevelElsewhere, count + 1);
        if (!shares || !elsewhere)
                return false;
        *ret_elsewhere = elsewhere;
        count = 0;
        for (const Told *told = levels->told; told; told = told->next)
                for (size_t i = 0; i < told->count; i++)
                        shares[count++] = (Share){ told, &told->levels[i] };
        qsort(shares, count, sizeof(*shares), share_compare);
        for (size_t i = 0; i < count; i = end) {
                for (end = i + 1; end < count && share_compare(&shares[i], &shares[end]) == 0;)
                        end++;
                LevelElsewhere sum = add_up(levels, shares + i, end - i);
                if (sum.held > 0 || sum.wanting > 0)
                        elsewhere[(*ret_count)++] = sum;
        }
        return true;
}
