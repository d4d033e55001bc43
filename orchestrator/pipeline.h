/* The pipeline: what a message passes before it is accepted, one stage a file, in a fixed order. A stage looks at the
 * Admission, may add to it, and either lets it pass or says why not. Decides from memory, in microseconds; writes,
 * sends and remembers nothing but rates.
 *
 * Belongs to the core's thread; never blocks.
 */
#pragma once

#include "orchestrator/core.h"

typedef struct Meter Meter;

/* How many messages are held, from acceptance to conclusion. */
typedef struct LaneDepth {
        int32_t lane;   /* of this conversation */
        int32_t sender; /* of this sender's with this agent, in all conversations */
} LaneDepth;

/* What the stages see, and what they find out. */
typedef struct Admission Admission;
struct Admission {
        const CoreSettings *settings;
        Directory *directory;
        Meter *meter;
        Moment now;
        const Arrival *arrival;
        /* Asked once sender and agent are known. */
        LaneDepth (*lane_depth)(const Admission *admission, void *core);
        void *core;
        bool cache_away;
        double capacity; /* share of workers that are free */
        /* found out */
        Sender sender;
        Agent *agent;
        const Grant *grant;
        const Limit *near; /* that is used up to four fifths, first noticed now; NULL = none */
        int32_t weight;    /* of its lane, 1 to 4 */
};

/* False: refused, and ret_refusal says why to whom wrote. */
bool admit(Admission *admission, Failure *ret_refusal) _must_check_;

/* What a message that was accepted is asked again before its turn and before each tool. */
bool still_admitted(Directory *directory, Moment now, Text sender, const Agent *agent, bool command,
                    Failure *ret_refusal) _must_check_;

/* The stages, each in its own file. */
bool stage_meter(Admission *admission, Failure *ret_refusal);
bool stage_authenticate(Admission *admission, Failure *ret_refusal);
bool stage_own(Admission *admission, Failure *ret_refusal);
bool stage_govern(Admission *admission, Failure *ret_refusal);
bool stage_prioritise(Admission *admission, Failure *ret_refusal);

/* The sentence of a pause, with its reason if one was given; returns false. */
bool refuse_paused(const Agent *agent, FailureKind kind, Failure *ret_refusal);

/* Token buckets by bare JID, and by domain for those who come from other servers. Bounded: beyond its capacity new
 * senders of a domain share one, and beyond that those of all other servers. False: nothing was taken, and ret_opens_us
 * says when it will be let through. */
Meter *meter_new(Rate sender_rate, Rate domain_rate, const char *domains);
bool meter_take(Meter *meter, const Jid *from, int64_t monotonic_us, int64_t *ret_opens_us);
/* Whether people at that domain are our server's, and come over no stream between servers. */
bool meter_is_local(const Meter *meter, Text domain);
void meter_free(Meter *meter);
