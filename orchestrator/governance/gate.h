/* The gate: what of a policy is decided from memory, before a message is accepted and once more before its turn: whose
 * servers may write, at what hours, and which models may answer. Made of the policy's JSON; the rest of it is the
 * turn's (policy.h).
 *
 * Immutable once made. Any thread; never blocks.
 */
#pragma once

#include "base/failure.h"
#include "base/zone.h"

typedef struct Gate Gate;

/* NULL when the policy (an object, or empty) says nothing of this. A policy that cannot be read gives a gate that is
 * shut: what cannot be checked is refused. */
Gate *gate_new(Text policy);
void gate_free(Gate *gate);

typedef struct GateQuestion {
        const char *agent; /* its name, for the sentence */
        Text domain;       /* of who writes */
        Text model;
        const Zone *zone; /* NULL = UTC */
        int64_t wall_us;
} GateQuestion;

/* False, and a FAILURE_POLICY to be told to who writes. NULL admits all. */
bool gate_admits(const Gate *gate, const GateQuestion *question, Failure *ret_refusal) _must_check_;
/* Whether a list of models allows one: "*" at its end stands for anything. An empty list allows all. */
bool models_allow(const Text *models, size_t count, Text model);
