/* The wire: one connection to PostgreSQL that never blocks, in pipeline mode, with one exchange under way at a time:
 * some queries, one implicit transaction, all their results. It connects again by itself, with growing pauses. Internal
 * to the journal.
 *
 * One thread. What results point to lives until the next wire_begin().
 */
#pragma once

#include "base/clock.h"
#include "store/connection.h"

#define WIRE_CALLS 8

typedef struct Wire Wire;

/* Why an exchange failed: nothing of it happened. */
typedef struct WireError {
        bool failed;
        char state[6];   /* SQLSTATE */
        bool constraint; /* it names one */
        Failure failure;
} WireError;

typedef enum WireEvent {
        WIRE_NOTHING,
        WIRE_UP,       /* connected, every query prepared */
        WIRE_ANSWERED, /* the exchange is over: wire_rows() or wire_error() */
        WIRE_LOST,     /* what was under way has an unknown end; wire_error() says why */
} WireEvent;

/* role: as in schema.h; the queries of that role are prepared when it connects. */
Wire *wire_new(const char *conninfo, DatabaseRole role, int64_t patience_us);
void wire_free(Wire *wire);
int wire_descriptor(const Wire *wire);
bool wire_wants_write(const Wire *wire);
int64_t wire_wake(const Wire *wire); /* monotonic */
bool wire_is_up(const Wire *wire);

/* Moves on as far as it can without waiting. `wanted`: connect when it is time to. */
WireEvent wire_step(Wire *wire, Moment now, bool wanted);

/* An exchange: begin, add…, end. Only while up and none is under way. */
void wire_begin(Wire *wire);
void wire_add(Wire *wire, Query query, const Value *values, size_t count);
void wire_end(Wire *wire, Moment now);

const WireError *wire_error(const Wire *wire);
const Rows *wire_rows(const Wire *wire, size_t index); /* of the index-th query added */
