#include "orchestrator/turn_guard.h"

#include "orchestrator/turn_events.h"

#define CUT TEXT(" […]")

static const char *const policy_names[POLICY_COUNT] = { "tenant", "agent" };

static void violation_event(TurnResult *result, Arena *arena, PolicyOf of, const Violation *violation) {
        bool grave = violation->action != GUARD_PASS && violation->action != GUARD_REDACT;
        Json *facts = json_new_object();

        json_put_string(facts, "action", guard_action_name(violation->action));
        json_put_integer(facts, "count", violation->count);
        json_put_string(facts, "kind", violation->kind);
        json_put_string(facts, "of", policy_names[of]);
        json_put_integer(facts, "rule", violation->rule);
        json_put_string(facts, "where", guard_place_name(violation->place));
        turn_event(result, arena, "policy.violation", grave ? "warning" : "info", facts);
}

/* What the audit hears of: all that is found in what is new, and, of what was said before, that it could not be
 * checked.
 */
typedef enum Told { TOLD_ALL, TOLD_UNCHECKED } Told;

/* Through both policies. ret_what: blocked, and what was found. */
static bool ask(const Recalled *recalled, GuardPlace place, Text *text, Arena *arena, TurnResult *result, Told told,
                const char **ret_what, Failure *reterr_failure) {
        GuardVerdict verdict;

        *ret_what = NULL;
        for (PolicyOf of = 0; of < POLICY_COUNT && !*ret_what; of++) {
                const Policy *policy = recalled->policies[of];
                if (!policy)
                        continue;
                bool checked = guardrails_ask(policy->guardrails, place, *text, recalled->secret, arena, &verdict,
                                              reterr_failure);
                for (size_t i = 0; i < verdict.violation_count; i++)
                        if (told == TOLD_ALL || verdict.violations[i].action == GUARD_UNCHECKED)
                                violation_event(result, arena, of, &verdict.violations[i]);
                if (!checked)
                        return false;
                *text = verdict.text;
                *ret_what = verdict.what;
        }
        return true;
}

/* Answers were asked about before they were kept; rules that came since are not asked about them. */
static bool guard_history(Recalled *recalled, Arena *arena, TurnResult *result, Failure *reterr_failure) {
        const char *what;

        for (size_t i = 0; i < recalled->history_count; i++) {
                ModelMessage *message = &recalled->history[i];
                if (message->role != MODEL_USER)
                        continue;
                if (!ask(recalled, GUARD_INPUT, &message->content, arena, result, TOLD_UNCHECKED, &what,
                         reterr_failure))
                        return false;
                if (what)
                        message->content = TEXT("[removed]");
        }
        return true;
}

bool turn_guard_input(TurnInput *input, Recalled *recalled, Arena *arena, TurnResult *result, Failure *reterr_failure) {
        Text body = input->body.length ? input->body : recalled->body;
        const char *what;

        if (!ask(recalled, GUARD_INPUT, &body, arena, result, TOLD_ALL, &what, reterr_failure))
                return false;
        if (what)
                return failure_set(reterr_failure, FAILURE_POLICY,
                                   "Your message was not passed on: it holds %s. Please write it without that.", what);
        input->body = body;
        return guard_history(recalled, arena, result, reterr_failure);
}

static void withhold(TurnResult *result, Arena *arena, const Failure *failure) {
        result->answer = TEXT_NONE;
        if (result->outcome != OUTCOME_SUCCESS)
                return;
        result->outcome = OUTCOME_REFUSED;
        result->reason = failure->kind;
        result->explanation = text_copy(arena, text_of(failure->text));
}

static int64_t output_most(const Recalled *recalled, PolicyOf *ret_of) {
        int64_t most = 0;

        for (PolicyOf of = 0; of < POLICY_COUNT; of++) {
                int64_t own = recalled->policies[of] ? recalled->policies[of]->max_output : 0;
                if (own && (!most || own < most)) {
                        most = own;
                        *ret_of = of;
                }
        }
        return most;
}

/* Ends with a mark that there was more; a bound that the mark does not fit in is kept all the same. */
static bool cut(const Recalled *recalled, Arena *arena, TurnResult *result) {
        PolicyOf of;
        int64_t most = output_most(recalled, &of);

        if (!most || result->answer.length <= (size_t) most)
                return true;
        size_t room = (size_t) most > CUT.length ? (size_t) most - CUT.length : (size_t) most;
        Text kept = text_prefix(result->answer, room);
        char *bytes = arena_take(arena, kept.length + CUT.length);
        if (!bytes)
                return false;
        memcpy(bytes, kept.bytes, kept.length);
        memcpy(bytes + kept.length, CUT.bytes, CUT.length);
        result->answer = (Text){ bytes, kept.length + (room < (size_t) most ? CUT.length : 0) };
        violation_event(
                result, arena, of,
                &(Violation){ .kind = "max_output", .place = GUARD_OUTPUT, .action = GUARD_REDACT, .count = 1 });
        return true;
}

void turn_guard_output(const Recalled *recalled, Arena *arena, TurnResult *result) {
        const char *what;
        Failure failure;

        if (!ask(recalled, GUARD_OUTPUT, &result->answer, arena, result, TOLD_ALL, &what, &failure)) {
                withhold(result, arena, &failure);
                return;
        }
        if (what)
                failure_set(&failure, FAILURE_POLICY, "The answer was withheld: it held %s.", what);
        else if (!cut(recalled, arena, result))
                failure_set(&failure, FAILURE_TOO_LARGE, "The answer takes more memory than a turn may.");
        else
                return;
        withhold(result, arena, &failure);
}

bool turn_guards_output(const Recalled *recalled) {
        PolicyOf of;

        for (size_t i = 0; i < POLICY_COUNT; i++)
                if (recalled->policies[i] && guardrails_concern(recalled->policies[i]->guardrails, GUARD_OUTPUT))
                        return true;
        return output_most(recalled, &of) > 0;
}

bool turn_wants_approval(const Recalled *recalled, Text tool) {
        return policy_wants_approval(recalled->policies[POLICY_OF_TENANT], tool) ||
               policy_wants_approval(recalled->policies[POLICY_OF_AGENT], tool);
}
