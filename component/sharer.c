#include "component/sharer.h"

#include "base/log.h"
#include "base/ticker.h"
#include "component/inbox.h"
#include "orchestrator/governance/levels.h"

#include <pthread.h>

/* What waits for another hub's turn to end waits for that hub to tell it, and for this one to hear it. */
#define SHARE_EVERY_US (250 * MILLISECONDS)
#define GIVEN_LIMIT    65536 /* deltas that wait; more of them is no bound on what is let through */
#define NOTE_SIZE      ((size_t) 16 * 1024 * 1024)

struct Sharer {
        RateStream *stream;
        Queue *inbox;
        Ticker *ticker;
        bool away;        /* the ticker's own, like what follows */
        RateDelta *taken; /* what was given before the round */
        Levels *others;
        pthread_mutex_t lock;
        /* given, under the lock */
        RateDelta *deltas;
        size_t count;
        int32_t hubs;
        Level *levels; /* NULL: no others than before */
        size_t level_count;
};

/* What the hub thread gave since the last round. */
typedef struct Given {
        const RateDelta *deltas;
        size_t count;
        int32_t hubs;
        Level *levels;
        size_t level_count;
} Given;

static void note_send(Sharer *sharer, Note *note, bool away) {
        note->kind = NOTE_RATES;
        note->rates.away = away;
        inbox_put(sharer->inbox, note);
}

static void sharer_log_away(bool away, const Failure *failure) {
        if (away)
                log_warning("cannot share rates with other hubs: each lets through its part", "cause", LOG_STRING,
                            failure->text);
        else
                log_info("shares rates with other hubs again");
}

static bool sharer_talk(Sharer *sharer, const Given *given, Arena *arena, RatesHeard *ret_heard, Failure *failure) {
        return rate_stream_receive(sharer->stream, arena, ret_heard, failure) &&
               rate_stream_send(sharer->stream, given->deltas, given->count, failure) &&
               (!given->levels || rate_stream_send_levels(sharer->stream, given->levels, given->level_count, failure));
}

/* True: what others hold may be other than before. */
static bool sharer_hear(Sharer *sharer, const RatesHeard *heard) {
        int64_t now_us = clock_now().monotonic_us;
        for (size_t i = 0; i < heard->level_count; i++)
                levels_hear(sharer->others, &heard->levels[i], now_us);
        return levels_expire(sharer->others, now_us) || heard->level_count > 0;
}

static void sharer_exchange(Sharer *sharer, const Given *given) {
        Note *note = memory_new(sizeof(*note));
        RatesHeard heard = { 0 };
        Failure failure = { 0 };

        note->arena = arena_new(NOTE_SIZE);
        bool alone = given->hubs <= 1, away = false;
        if (!alone)
                away = !sharer_talk(sharer, given, note->arena, &heard, &failure);
        else
                rate_stream_skip_levels(sharer->stream);
        bool news = alone || away ? levels_forget(sharer->others) : sharer_hear(sharer, &heard);
        if (!alone && away != sharer->away) {
                sharer->away = away;
                sharer_log_away(away, &failure);
                news = true;
        }
        note->rates.deltas = heard.deltas;
        note->rates.count = heard.delta_count;
        if ((news || heard.delta_count > 0) &&
            levels_elsewhere(sharer->others, note->arena, &note->rates.elsewhere, &note->rates.elsewhere_count)) {
                note_send(sharer, note, sharer->away);
                return;
        }
        arena_free(note->arena);
        free(note);
}

static void sharer_round(void *sharer_) {
        Sharer *sharer = sharer_;

        pthread_mutex_lock(&sharer->lock);
        Given given = { sharer->deltas, sharer->count, sharer->hubs, sharer->levels, sharer->level_count };
        RateDelta *deltas = sharer->deltas;
        sharer->deltas = sharer->taken;
        sharer->count = 0;
        sharer->levels = NULL;
        pthread_mutex_unlock(&sharer->lock);
        sharer->taken = deltas;
        sharer_exchange(sharer, &given);
        free(given.levels);
}

Sharer *sharer_start(RateStream *stream, Queue *inbox) {
        Sharer *sharer = memory_new(sizeof(*sharer));

        sharer->stream = stream;
        sharer->inbox = inbox;
        sharer->deltas = memory_new(GIVEN_LIMIT * sizeof(*sharer->deltas));
        sharer->taken = memory_new(GIVEN_LIMIT * sizeof(*sharer->taken));
        pthread_mutex_init(&sharer->lock, NULL);
        sharer->others = levels_new(rate_stream_own(stream));
        sharer->ticker = ticker_start(SHARE_EVERY_US, sharer_round, sharer);
        return sharer;
}

void sharer_give(Sharer *sharer, const RateDelta *deltas, size_t count, int32_t hubs) {
        pthread_mutex_lock(&sharer->lock);
        if (count > GIVEN_LIMIT - sharer->count)
                count = GIVEN_LIMIT - sharer->count;
        if (count > 0)
                memcpy(sharer->deltas + sharer->count, deltas, count * sizeof(*deltas));
        sharer->count += count;
        sharer->hubs = hubs;
        pthread_mutex_unlock(&sharer->lock);
}

void sharer_hold(Sharer *sharer, const Level *levels, size_t count) {
        Level *copy = memory_new((count + 1) * sizeof(*copy));

        if (count > 0)
                memcpy(copy, levels, count * sizeof(*copy));
        pthread_mutex_lock(&sharer->lock);
        Level *before = sharer->levels;
        sharer->levels = copy;
        sharer->level_count = count;
        pthread_mutex_unlock(&sharer->lock);
        free(before);
}

void sharer_free(Sharer *sharer) {
        ticker_stop(sharer->ticker);
        pthread_mutex_destroy(&sharer->lock);
        rate_stream_free(sharer->stream);
        levels_free(sharer->others);
        free(sharer->levels);
        free(sharer->deltas);
        free(sharer->taken);
        free(sharer);
}
