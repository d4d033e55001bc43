#include "component/sharer.h"

#include "base/log.h"
#include "base/ticker.h"
#include "component/inbox.h"

#include <pthread.h>

#define SHARE_EVERY_US SECONDS
#define GIVEN_LIMIT    65536 /* deltas that wait; more of them is no bound on what is let through */
#define NOTE_SIZE      ((size_t) 16 * 1024 * 1024)

struct Sharer {
        RateStream *stream;
        Queue *inbox;
        Ticker *ticker;
        bool away;        /* the ticker's own, like what follows */
        RateDelta *taken; /* what was given before the round */
        pthread_mutex_t lock;
        /* given, under the lock */
        RateDelta *deltas;
        size_t count;
        int32_t hubs;
};

static void note_send(Sharer *sharer, Note *note, bool away) {
        note->kind = NOTE_RATES;
        note->rates.away = away;
        inbox_put(sharer->inbox, note);
}

static void sharer_tell_away(Sharer *sharer, bool away, const Failure *failure) {
        if (away == sharer->away)
                return;
        sharer->away = away;
        note_send(sharer, memory_new(sizeof(Note)), away);
        if (away)
                log_warning("cannot share rates with other hubs: each lets through its part", "cause", LOG_STRING,
                            failure->text);
        else
                log_info("shares rates with other hubs again");
}

static void sharer_exchange(Sharer *sharer, const RateDelta *deltas, size_t count) {
        Note *note = memory_new(sizeof(*note));
        Failure failure = { 0 };

        note->arena = arena_new(NOTE_SIZE);
        bool done = rate_stream_receive(sharer->stream, note->arena, &note->rates.deltas, &note->rates.count,
                                        &failure) &&
                    rate_stream_send(sharer->stream, deltas, count, &failure);
        sharer_tell_away(sharer, !done, &failure);
        if (note->rates.count > 0) {
                note_send(sharer, note, !done);
                return;
        }
        arena_free(note->arena);
        free(note);
}

static void sharer_round(void *sharer_) {
        Sharer *sharer = sharer_;

        pthread_mutex_lock(&sharer->lock);
        RateDelta *given = sharer->deltas;
        size_t count = sharer->count;
        int32_t hubs = sharer->hubs;
        sharer->deltas = sharer->taken;
        sharer->count = 0;
        pthread_mutex_unlock(&sharer->lock);
        sharer->taken = given;
        if (hubs > 1)
                sharer_exchange(sharer, given, count);
}

Sharer *sharer_start(RateStream *stream, Queue *inbox) {
        Sharer *sharer = memory_new(sizeof(*sharer));

        sharer->stream = stream;
        sharer->inbox = inbox;
        sharer->deltas = memory_new(GIVEN_LIMIT * sizeof(*sharer->deltas));
        sharer->taken = memory_new(GIVEN_LIMIT * sizeof(*sharer->taken));
        pthread_mutex_init(&sharer->lock, NULL);
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

void sharer_free(Sharer *sharer) {
        ticker_stop(sharer->ticker);
        pthread_mutex_destroy(&sharer->lock);
        rate_stream_free(sharer->stream);
        free(sharer->deltas);
        free(sharer->taken);
        free(sharer);
}
