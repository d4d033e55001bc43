/* A World from a script: what the model and the tools give stands in the case, and so does, as one line of text,
 * everything that the turn may have asked of its World, in order.
 */
#pragma once

#include "orchestrator/turn.h"
#include "tests/unit/unit.h"

#define SCRIPT_LIMIT 20
#define OWNER        TEXT("ann@example.org")
#define DEADLINE     (100 * SECONDS)
#define SLOW         (5 * SECONDS) /* how long a call of the model takes */

extern const Uuid stage_tenant, stage_message, stage_version;

/* What a call of the model, or of a tool, gives. */
typedef struct Says {
        const char *text;
        const char *tools[3]; /* the model's: names of those it asks for */
        FailureKind failure;
        bool retry_helps;
        int64_t retry_after_us, tokens; /* tokens: of prompt and of completion each; 0 = not said */
} Says;

typedef struct Script {
        const char *about;
        /* the input */
        const char *owner, *body; /* NULL = ann, "hi" */
        const char *name;         /* of the model; NULL = one of a provider */
        bool command;
        StepRecord steps[6];
        int32_t attempt;
        TurnBefore before;
        int64_t price_nano; /* per million tokens, of both kinds */
        int64_t deadline_us;
        size_t memory;
        bool closing;
        Budget budgets[1];
        /* the World */
        Says model[SCRIPT_LIMIT]; /* the last is said again and again */
        Says tool[4];
        int recalls_in_vain; /* or operations */
        FailureKind recall_failure, reserve_failure, step_failure, presumed_failure;
        int reserves_in_vain; /* that cannot be checked */
        int reserve_waits;    /* which of them has to, from 1; 0 = none */
        BudgetAmounts granted, presumed;
        int32_t step_fails;   /* ordinal */
        int64_t cancelled_us; /* sleep is interrupted then; 0 = never */
        /* what comes of it */
        const char *calls;
        Outcome outcome;
        FailureKind reason;
        const char *answer, *tools;
        bool warned;
        Usage usage;
        bool owes;
        size_t events;
} Script;

typedef struct Stage {
        World world;
        const Script *script;
        int64_t now_us;
        int recalls, reserves, models, tools;
        ModelTool may_use[2];
        Version version;
        TextBuilder calls, seen; /* seen: what the model was told, a line each time */
} Stage;

Stage stage_new(const Script *script);
Arena *stage_play(Stage *stage, TurnResult *ret_result);
void stage_release(Stage *stage);
/* Plays it and compares what came of it. */
void stage_check(const Script *script);
/* What the model was told at its last call. */
void stage_check_seen(const Script *script, const char *expected);

#define CHECK_ALL(scripts)                                                                                             \
        for (size_t i = 0; i < COUNT_OF(scripts); i++)                                                                 \
        stage_check(&(scripts)[i])
