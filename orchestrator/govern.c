#include "orchestrator/directory/budgets.h"
#include "orchestrator/pipeline.h"

#define SHOWN_LEAST_US (60 * SECONDS)

/* What a pause answers, with the reason if one was given. */
bool refuse_paused(const Agent *agent, FailureKind kind, Failure *ret_refusal) {
        return failure_set(ret_refusal, kind, "%s is paused%s%s", agent->name, agent->pause_reason ? ": " : ".",
                           agent->pause_reason ? agent->pause_reason : "");
}

static bool govern_size(const Admission *admission, Failure *ret_refusal) {
        size_t length = admission->arrival->body.length;

        if (admission->arrival->encrypted)
                return failure_set(ret_refusal, FAILURE_UNSUPPORTED,
                                   "The message is encrypted, which agents cannot read.");
        if (length == 0)
                return failure_set(ret_refusal, FAILURE_INVALID, "The message has no text.");
        if (length > admission->settings->body_bytes)
                return failure_set(ret_refusal, FAILURE_TOO_LARGE, "The message has %zu bytes; the limit is %zu.",
                                   length, admission->settings->body_bytes);
        LimitVerdict verdict = directory_take(admission->directory, &admission->sender, admission->agent,
                                              admission->grant, LIMIT_BODY_BYTES, (int64_t) length,
                                              admission->now.monotonic_us);
        if (verdict.refused)
                return failure_set(ret_refusal, FAILURE_TOO_LARGE, "The message has %zu bytes; the %s's limit is %lld.",
                                   length, limit_subject_name(verdict.subject), (long long) verdict.amount);
        return true;
}

/* What cannot be checked is refused, if it has to be; and what is known to be spent is not asked again. */
static bool govern_budget(const Admission *admission, Failure *ret_refusal) {
        static const char *const unchecked[BUDGET_UNIT_COUNT] = {
                [BUDGET_MONEY] = "What this may cost cannot be checked at the moment. Try again later.",
                [BUDGET_TOKENS] = "Tokens are limited here, and how many are left cannot be checked at the moment. Try "
                                  "again later.",
        };
        BudgetParties parties = directory_parties(&admission->sender, admission->agent, admission->grant);
        BudgetUnit unit;

        if (admission->cache_away && directory_needs_cache(admission->directory, admission->agent, &parties, &unit))
                return failure_set(ret_refusal, FAILURE_UNAVAILABLE, "%s", unchecked[unit]);
        const char *spent = directory_spent(admission->directory, &parties, admission->now.wall_us);
        return !spent || failure_set(ret_refusal, FAILURE_LIMIT, "%s", spent);
}

static bool govern_agent(const Admission *admission, Failure *ret_refusal) {
        const Agent *agent = admission->agent;

        if (admission->arrival->command)
                return true;
        if (agent->state == AGENT_PAUSED)
                return refuse_paused(agent, FAILURE_UNAVAILABLE, ret_refusal);
        return policies_admit(directory_policies(admission->directory), agent, admission->sender.domain,
                              admission->now.wall_us, ret_refusal) &&
               govern_budget(admission, ret_refusal);
}

/* How many of the tenant's, the person's and the agent's messages wait already, here and on other hubs. */
static bool govern_waiting(const Admission *admission, Failure *ret_refusal) {
        Gauges gauges = directory_gauges(admission->directory, &admission->sender, admission->agent);

        for (size_t i = 0; i < GAUGES; i++) {
                LimitVerdict verdict = { 0 };
                if (gauges.of[i])
                        verdict = directory_hold(admission->directory, gauges.of[i], LIMIT_WAITING);
                if (verdict.refused)
                        return limit_refuse(&verdict, admission->now.monotonic_us, ret_refusal);
        }
        return true;
}

/* What lets in again in a moment does not show: contact lists would flicker. */
static void show_exhausted(const Admission *admission, const LimitVerdict *verdict) {
        int64_t wait_us = verdict->opens_us - admission->now.monotonic_us;

        if (verdict->opens_us > 0 && wait_us >= SHOWN_LEAST_US)
                directory_exhaust(
                        admission->directory, admission->agent, verdict,
                        (Moment){ .wall_us = admission->now.wall_us + wait_us, .monotonic_us = verdict->opens_us });
}

/* Size, the agent's state, how much is held, then the rates: what is refused must not use up a rate. A command calls no
 * model: neither the agent's state nor its rates are in its way, and what stops a lane may do so when it is full. */
bool stage_govern(Admission *admission, Failure *ret_refusal) {
        if (!govern_size(admission, ret_refusal) || !govern_agent(admission, ret_refusal))
                return false;
        LaneDepth depth = admission->lane_depth(admission, admission->core);
        bool full = depth.sender >= admission->settings->sender_depth;
        int32_t waiting = full ? depth.sender : depth.lane;
        if ((full || depth.lane >= admission->settings->lane_depth) && !admission->arrival->stops)
                return failure_set(ret_refusal, FAILURE_LIMIT,
                                   "%d of your messages are still waiting for an answer. Wait for one of them.",
                                   waiting);
        if (admission->arrival->command)
                return true;
        if (!govern_waiting(admission, ret_refusal))
                return false;
        LimitVerdict verdict = directory_ask(admission->directory, &admission->sender, admission->agent,
                                             admission->grant, LIMIT_WORKER_MS, 1, admission->now.monotonic_us);
        if (!verdict.refused)
                verdict = directory_take(admission->directory, &admission->sender, admission->agent, admission->grant,
                                         LIMIT_MESSAGES, 1, admission->now.monotonic_us);
        if (verdict.refused) {
                show_exhausted(admission, &verdict);
                return limit_refuse(&verdict, admission->now.monotonic_us, ret_refusal);
        }
        admission->near = verdict.near;
        return true;
}
