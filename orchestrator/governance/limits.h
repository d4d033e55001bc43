/* Limits: rows (subject, what, window, amount) and their one evaluator. A subject holds a list of rows; a row with a
 * window is a token bucket that starts full and refills evenly, a row without one bounds a single amount. What is
 * counted where is the caller's. Across hubs each keeps the full bucket.
 *
 * One thread at a time; never blocks.
 */
#pragma once

#include "base/text.h"
#include "base/uuid.h"

typedef enum LimitSubject {
        LIMIT_OF_INSTALLATION,
        LIMIT_OF_TENANT,
        LIMIT_OF_ACCOUNT,
        LIMIT_OF_AGENT,
        LIMIT_OF_GRANT,
        LIMIT_OF_DOMAIN,
        LIMIT_SUBJECT_COUNT,
} LimitSubject;

typedef enum LimitWhat {
        LIMIT_MESSAGES,   /* let in per window */
        LIMIT_BODY_BYTES, /* of one message; no window */
        LIMIT_WHAT_COUNT,
} LimitWhat;

const char *limit_subject_name(LimitSubject subject);
bool limit_subject_from_name(Text name, LimitSubject *ret_subject);
const char *limit_what_name(LimitWhat what);
bool limit_what_from_name(Text name, LimitWhat *ret_what);

typedef struct Limit {
        struct Limit *next;
        Uuid id;
        LimitSubject subject;
        LimitWhat what;
        int64_t window_us, amount; /* window 0: of a single amount */
        double tokens;             /* what is left in the bucket */
        int64_t refilled_us;       /* monotonic */
        bool used;                 /* once; until then it is full */
} Limit;

typedef struct LimitVerdict {
        bool refused;
        LimitSubject subject;
        int64_t amount, window_us;
        int64_t opens_us; /* monotonic: when this amount would be let through; 0 = never */
} LimitVerdict;

/* Other numbers for the same row: what was used stays used. */
void limit_change(Limit *limit, int64_t window_us, int64_t amount);
/* Takes `amount` of `what` from every row of all the lists, or from none: the verdict names the row with the smallest
 * amount among those that refuse. */
LimitVerdict limits_take(Limit *const *lists, size_t count, LimitWhat what, int64_t amount, int64_t monotonic_us);
