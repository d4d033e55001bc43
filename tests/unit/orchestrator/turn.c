/* A turn over a World from a script. */
#include "tests/unit/orchestrator/stage.h"

static const Uuid other_tenant = { { 2 } };

START_TEST(answer_without_tools_writes_no_step) {
        const Script scripts[] = {
                { .about = "an answer",
                  .model = { { "hello" } },
                  .calls = "recall model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello" },
                { .about = "the body is not in memory any more",
                  .body = "",
                  .model = { { "hello" } },
                  .calls = "recall model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello" },
        };

        CHECK_ALL(scripts);
        stage_check_seen(&scripts[0], "u(hi)");
        stage_check_seen(&scripts[1], "u(read back)");
}
END_TEST

START_TEST(reply_is_committed_before_its_tools_and_each_start_before_its_tool) {
        const Script scripts[] = {
                { .about = "one tool",
                  .model = { { "look", { "search" } }, { "found" } },
                  .tool = { { "42" } },
                  .calls = "recall model reply:2 started:3 search:3 result:4 model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "found",
                  .tools = "[\"search\"]",
                  .usage.tool_calls = 1 },
                { .about = "two tools of one reply",
                  .model = { { "", { "search", "mail" } }, { "found and sent" } },
                  .tool = { { "42" }, { "sent" } },
                  .calls = "recall model reply:2 started:3 search:3 result:4 started:5 mail:5 result:6 model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "found and sent",
                  .tools = "[\"search\",\"mail\"]",
                  .usage.tool_calls = 2 },
                { .about = "a tool that fails is the model's to know",
                  .model = { { "", { "search" } }, { "sorry" } },
                  .tool = { { NULL, .failure = FAILURE_UNAVAILABLE } },
                  .calls = "recall model reply:2 started:3 search:3 result:4 model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "sorry",
                  .tools = "[\"search\"]",
                  .usage.tool_calls = 1 },
                { .about = "a tool that the version does not name",
                  .model = { { "", { "shell" } }, { "sorry" } },
                  .calls = "recall model reply:2 result:3 model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "sorry",
                  .tools = "[\"shell\"]" },
        };

        CHECK_ALL(scripts);
        stage_check_seen(&scripts[0], "u(hi)a(look >search)t(42<one)");
        stage_check_seen(&scripts[1], "u(hi)a( >search >mail)t(42<one)t(sent<two)");
        stage_check_seen(&scripts[2], "u(hi)a( >search)t(It says unavailable.<one)");
        stage_check_seen(&scripts[3], "u(hi)a( >shell)t(This tool is not permitted.<one)");
}
END_TEST

START_TEST(tool_does_not_run_when_what_precedes_it_was_not_committed) {
        const Script scripts[] = {
                { .about = "the reply: another hub has the message",
                  .model = { { "look", { "mail" } } },
                  .step_fails = 2,
                  .step_failure = FAILURE_CANCELLED,
                  .calls = "recall model reply:2",
                  .outcome = OUTCOME_CANCELLED,
                  .reason = FAILURE_CANCELLED,
                  .answer = "look" },
                { .about = "the start: another hub has the message",
                  .model = { { "look", { "mail" } } },
                  .step_fails = 3,
                  .step_failure = FAILURE_CANCELLED,
                  .calls = "recall model reply:2 started:3",
                  .outcome = OUTCOME_CANCELLED,
                  .reason = FAILURE_CANCELLED,
                  .answer = "look",
                  .tools = "[\"mail\"]" },
                { .about = "the start: the agent was paused meanwhile",
                  .model = { { "look", { "mail" } } },
                  .step_fails = 3,
                  .step_failure = FAILURE_POLICY,
                  .calls = "recall model reply:2 started:3",
                  .outcome = OUTCOME_REFUSED,
                  .reason = FAILURE_POLICY,
                  .answer = "look",
                  .tools = "[\"mail\"]" },
                { .about = "the result: the next tool of the same reply",
                  .model = { { "look", { "search", "mail" } } },
                  .tool = { { "42" } },
                  .step_fails = 4,
                  .step_failure = FAILURE_CANCELLED,
                  .calls = "recall model reply:2 started:3 search:3 result:4",
                  .outcome = OUTCOME_CANCELLED,
                  .reason = FAILURE_CANCELLED,
                  .answer = "look",
                  .tools = "[\"search\",\"mail\"]",
                  .usage.tool_calls = 1 },
        };

        CHECK_ALL(scripts);
}
END_TEST

#define STEP(ordinal_, kind_, json)                                                                                    \
        { .message_id = stage_message, .ordinal = (ordinal_), .kind = STEP_##kind_, .payload = TEXT(json) }
#define REPLY_JSON(name)                                                                                               \
        "{\"calls\":[{\"arguments\":\"{}\",\"id\":\"one\",\"name\":\"" name "\"}],\"content\":\"look\","               \
        "\"completion\":3,\"prompt\":7}"
#define REPLY(ordinal, name) STEP(ordinal, MODEL_REPLY, REPLY_JSON(name))
#define REPLY_OF(ordinal_, name, nano)                                                                                 \
        {                                                                                                              \
                .message_id = stage_message, .ordinal = (ordinal_), .kind = STEP_MODEL_REPLY,                          \
                .spent = { { nano, 10 } }, .payload = TEXT(REPLY_JSON(name))                                           \
        }
#define STARTED(ordinal) STEP(ordinal, TOOL_STARTED, "{\"index\":0}")
#define RESULT(ordinal)  STEP(ordinal, TOOL_RESULT, "{\"content\":\"42\",\"failed\":false,\"index\":0}")
#define TAKEN_UP         STEP(STEP_ATTEMPT, TAKEN_UP, "{}")

START_TEST(turn_taken_up_again_replays_its_steps_and_goes_on) {
        const Script scripts[] = {
                { .about = "nothing was done",
                  .steps = { TAKEN_UP },
                  .attempt = 1,
                  .model = { { "found" } },
                  .calls = "recall model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "found" },
                { .about = "replied: its tool was not started",
                  .steps = { REPLY(2, "mail"), TAKEN_UP },
                  .attempt = 1,
                  .model = { { "found" } },
                  .tool = { { "sent" } },
                  .calls = "recall started:10001 mail:10001 result:10002 model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "found",
                  .tools = "[\"mail\"]",
                  .usage.tool_calls = 1 },
                { .about = "started, and harmless: once more under the same key",
                  .steps = { REPLY(2, "search"), STARTED(3), TAKEN_UP },
                  .attempt = 1,
                  .model = { { "found" } },
                  .tool = { { "42" } },
                  .calls = "recall search:3 result:10001 model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "found",
                  .tools = "[\"search\"]",
                  .usage.tool_calls = 1 },
                { .about = "started, and not harmless: never again",
                  .steps = { REPLY(2, "mail"), STARTED(3), TAKEN_UP },
                  .attempt = 1,
                  .model = { { "perhaps" } },
                  .calls = "recall result:10001 model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "perhaps",
                  .tools = "[\"mail\"]",
                  .warned = true },
                { .about = "done: its result stands",
                  .steps = { REPLY(2, "mail"), STARTED(3), RESULT(4), TAKEN_UP },
                  .attempt = 1,
                  .model = { { "sent" } },
                  .calls = "recall model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "sent",
                  .tools = "[\"mail\"]" },
                { .about = "done in the attempt before the last: ordinals go on",
                  .steps = { REPLY(2, "mail"), TAKEN_UP, STARTED(10001), RESULT(10002),
                             STEP(2 * STEP_ATTEMPT, TAKEN_UP, "{}") },
                  .attempt = 2,
                  .model = { { "again", { "search" } }, { "sent" } },
                  .tool = { { "43" } },
                  .calls = "recall model reply:20002 started:20003 search:20003 result:20004 model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "sent",
                  .tools = "[\"mail\",\"search\"]",
                  .usage.tool_calls = 1 },
                { .about = "what the first attempt used and cost is counted",
                  .steps = { REPLY_OF(2, "mail", 14), STARTED(3), RESULT(4), TAKEN_UP },
                  .attempt = 1,
                  .price_nano = 1000000,
                  .model = { { "sent", .tokens = 10 } },
                  .calls = "recall presumed:10000>2 reserve:10001=162..249 sent:10001 model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "sent",
                  .tools = "[\"mail\"]",
                  .owes = true,
                  .usage = { .cost_nano = 34, .prompt_tokens = 17 } },
        };

        CHECK_ALL(scripts);
        stage_check_seen(&scripts[3],
                         "u(hi)a(look >mail)t(The outcome of this call is unknown. It was not repeated.<one)");
        stage_check_seen(&scripts[4], "u(hi)a(look >mail)t(42<one)");
        stage_check_seen(&scripts[5], "u(hi)a(look >mail)t(42<one)a(again >search)t(43<one)");
}
END_TEST

START_TEST(step_that_cannot_be_read_ends_the_message_before_anything_is_done) {
        const Script scripts[] = {
                { .about = "no JSON", .steps = { STEP(2, MODEL_REPLY, "{") } },
                { .about = "of another shape", .steps = { STEP(2, MODEL_REPLY, "{\"calls\":[{\"name\":7}]}") } },
                { .about = "a result before any reply", .steps = { RESULT(4) } },
                { .about = "a start of no call",
                  .steps = { REPLY(2, "mail"), STEP(3, TOOL_STARTED, "{\"index\":1}") },
                  .tools = "[\"mail\"]" },
                { .about = "a start of a call below the first",
                  .steps = { REPLY(2, "mail"), STEP(3, TOOL_STARTED, "{\"index\":-1}") },
                  .tools = "[\"mail\"]" },
        };

        for (size_t i = 0; i < COUNT_OF(scripts); i++) {
                Script script = scripts[i];
                script.model[0].text = "never";
                script.attempt = 1;
                script.calls = "recall";
                script.outcome = OUTCOME_ERROR;
                _cleanup_(stage_release) Stage stage = stage_new(&script);
                TurnResult result;
                _cleanup_(arena_freep) Arena *arena = stage_play(&stage, &result);
                script.reason = result.reason;
                ck_assert(result.reason == FAILURE_INTERNAL || result.reason == FAILURE_INVALID);
                stage_check(&script);
        }
}
END_TEST

START_TEST(model_is_asked_again_only_while_that_helps) {
        const Script scripts[] = {
                { .about = "overloaded twice: with longer pauses",
                  .model = { { NULL, .failure = FAILURE_LIMIT, .retry_helps = true },
                             { NULL, .failure = FAILURE_LIMIT, .retry_helps = true },
                             { "hello" } },
                  .calls = "recall model sleep:500 model sleep:1000 model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello" },
                { .about = "overloaded, and says for how long",
                  .model = { { NULL, .failure = FAILURE_LIMIT, .retry_helps = true, .retry_after_us = 7 * SECONDS },
                             { "hello" } },
                  .calls = "recall model sleep:7000 model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello" },
                { .about = "overloaded for longer than there is",
                  .model = { { NULL, .failure = FAILURE_LIMIT, .retry_helps = true, .retry_after_us = 96 * SECONDS } },
                  .calls = "recall model",
                  .outcome = OUTCOME_ERROR,
                  .reason = FAILURE_LIMIT },
                { .about = "overloaded for ever",
                  .model = { { NULL, .failure = FAILURE_LIMIT, .retry_helps = true } },
                  .calls = "recall model sleep:500 model sleep:1000 model sleep:2000 model sleep:4000 model",
                  .outcome = OUTCOME_ERROR,
                  .reason = FAILURE_LIMIT },
                { .about = "broken off: what came is the partial text",
                  .model = { { "half", .failure = FAILURE_UNAVAILABLE, .retry_helps = true },
                             { NULL, .failure = FAILURE_FORBIDDEN } },
                  .calls = "recall model sleep:500 model",
                  .outcome = OUTCOME_ERROR,
                  .reason = FAILURE_FORBIDDEN,
                  .answer = "half" },
                { .about = "refused by the provider",
                  .model = { { NULL, .failure = FAILURE_POLICY } },
                  .calls = "recall model",
                  .outcome = OUTCOME_REFUSED,
                  .reason = FAILURE_POLICY },
                { .about = "too long for the model",
                  .model = { { NULL, .failure = FAILURE_TOO_LARGE } },
                  .calls = "recall model",
                  .outcome = OUTCOME_ERROR,
                  .reason = FAILURE_TOO_LARGE },
                { .about = "a reply that makes no sense",
                  .model = { { "half", .failure = FAILURE_INTERNAL } },
                  .calls = "recall model",
                  .outcome = OUTCOME_ERROR,
                  .reason = FAILURE_INTERNAL,
                  .answer = "half" },
                { .about = "no answer within the deadline",
                  .model = { { "half", .failure = FAILURE_TIMED_OUT, .retry_helps = true } },
                  .deadline_us = SLOW,
                  .calls = "recall model",
                  .outcome = OUTCOME_ERROR,
                  .reason = FAILURE_TIMED_OUT,
                  .answer = "half" },
        };

        CHECK_ALL(scripts);
}
END_TEST

START_TEST(each_call_is_held_before_and_said_with_what_it_cost) {
        /* 18 bytes of the message, 68 of the tools, 100 tokens to answer with. */
        const Script scripts[] = {
                { .about = "as the provider says",
                  .model = { { "hello", .tokens = 10 } },
                  .calls = "recall reserve:1=99..186 sent:1 model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello",
                  .owes = true,
                  .usage = { .cost_nano = 20, .prompt_tokens = 10 } },
                { .about = "the provider does not say: all that was held",
                  .model = { { "hello" } },
                  .calls = "recall reserve:1=99..186 sent:1 model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello",
                  .owes = true,
                  .usage = { .cost_nano = 186, .presumed_tokens = 186 } },
                { .about = "more than was held is booked in full, and told",
                  .model = { { "hello", .tokens = 1000 } },
                  .calls = "recall reserve:1=99..186 sent:1 model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello",
                  .owes = true,
                  .events = 1,
                  .usage = { .cost_nano = 2000, .prompt_tokens = 1000 } },
                { .about = "more than was held stops the next call",
                  .model = { { "look", { "search" }, .tokens = 1000 }, { "never" } },
                  .tool = { { "42" } },
                  .calls = "recall reserve:1=99..186 sent:1 model reply:2=2000 settle:2=2000 started:3 search:3 "
                           "result:4",
                  .outcome = OUTCOME_ERROR,
                  .reason = FAILURE_INTERNAL,
                  .answer = "look",
                  .tools = "[\"search\"]",
                  .events = 1,
                  .usage = { .cost_nano = 2000, .prompt_tokens = 1000, .tool_calls = 1 } },
                { .about = "less than nothing is nothing",
                  .model = { { "hello", .tokens = -10 } },
                  .calls = "recall reserve:1=99..186 sent:1 model release:1",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello" },
                { .about = "turned away for nothing, then answered",
                  .model = { { NULL, .failure = FAILURE_LIMIT, .retry_helps = true }, { "hello", .tokens = 10 } },
                  .calls = "recall reserve:1=99..186 sent:1 model release:1 sleep:500 reserve:2=99..186 sent:2 model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello",
                  .owes = true,
                  .usage = { .cost_nano = 20, .prompt_tokens = 10 } },
                { .about = "broken off: perhaps all of it is billed",
                  .model = { { "half", .failure = FAILURE_UNAVAILABLE } },
                  .calls = "recall reserve:1=99..186 sent:1 model",
                  .outcome = OUTCOME_ERROR,
                  .reason = FAILURE_UNAVAILABLE,
                  .answer = "half",
                  .owes = true,
                  .usage = { .cost_nano = 186, .presumed_tokens = 186 } },
                { .about = "before it is tried again, a row says what it may have cost",
                  .model = { { "half", .failure = FAILURE_UNAVAILABLE, .retry_helps = true },
                             { "hello", .tokens = 10 } },
                  .calls = "recall reserve:1=99..186 sent:1 model presumed:2=186 settle:2=186 sleep:500 "
                           "reserve:3=99..186 sent:3 model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello",
                  .owes = true,
                  .usage = { .cost_nano = 206, .prompt_tokens = 10, .presumed_tokens = 186 } },
                { .about = "cancelled in the middle: perhaps all of it is billed",
                  .model = { { "half", .failure = FAILURE_CANCELLED } },
                  .calls = "recall reserve:1=99..186 sent:1 model",
                  .outcome = OUTCOME_CANCELLED,
                  .reason = FAILURE_CANCELLED,
                  .answer = "half",
                  .owes = true,
                  .usage = { .cost_nano = 186, .presumed_tokens = 186 } },
                { .about = "less is left than the whole bound: the answer may be shorter",
                  .model = { { "hello" } },
                  .granted = { { 120, 130 } },
                  .calls = "recall reserve:1=99..186 sent:1 model(34)",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello",
                  .owes = true,
                  .usage = { .cost_nano = 120, .presumed_tokens = 130 } },
                { .about = "a reply that asks for tools is settled when its step is durable",
                  .model = { { "look", { "search" }, .tokens = 10 }, { "done", .tokens = 5 } },
                  .tool = { { "42" } },
                  .calls = "recall reserve:1=99..186 sent:1 model reply:2=20 settle:2=20 started:3 search:3 result:4 "
                           "reserve:5=164..251 sent:5 model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "done",
                  .tools = "[\"search\"]",
                  .owes = true,
                  .usage = { .cost_nano = 30, .prompt_tokens = 15, .tool_calls = 1 } },
                { .about = "a cache that comes back is waited for",
                  .model = { { "hello", .tokens = 10 } },
                  .reserves_in_vain = 2,
                  .calls = "recall reserve:1=99..186 sleep:500 reserve:1=99..186 sleep:1000 reserve:1=99..186 sent:1 "
                           "model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello",
                  .owes = true,
                  .usage = { .cost_nano = 20, .prompt_tokens = 10 } },
        };

        for (size_t i = 0; i < COUNT_OF(scripts); i++) {
                Script script = scripts[i];
                script.price_nano = 1000000;
                stage_check(&script);
        }
}
END_TEST

START_TEST(message_taken_up_again_says_first_what_it_may_have_cost) {
        const Script scripts[] = {
                { .about = "a call that was sent and left nothing",
                  .steps = { TAKEN_UP },
                  .presumed = { { 186, 186 } },
                  .model = { { "hello", .tokens = 10 } },
                  .calls = "recall presumed:10000>-1 presumed:10001=186 settle:10001=186 reserve:10002=99..186 "
                           "sent:10002 model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello",
                  .owes = true,
                  .usage = { .cost_nano = 206, .prompt_tokens = 10, .presumed_tokens = 186 } },
                { .about = "nobody can tell in time: the most that a call may cost",
                  .steps = { TAKEN_UP },
                  .presumed_failure = FAILURE_UNAVAILABLE,
                  .deadline_us = 400 * MILLISECONDS,
                  .model = { { "hello", .tokens = 10 } },
                  .calls = "recall presumed:10000>-1 presumed:10001=186 settle:10001=186 reserve:10002=99..186 "
                           "sent:10002 model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello",
                  .owes = true,
                  .usage = { .cost_nano = 206, .prompt_tokens = 10, .presumed_tokens = 186 } },
                { .about = "one that is given up does so, and no more",
                  .steps = { TAKEN_UP },
                  .closing = true,
                  .presumed = { { 186, 186 } },
                  .model = { { "never" } },
                  .calls = "recall presumed:10000>-1 presumed:10001=186 settle:10001=186",
                  .usage = { .cost_nano = 186, .presumed_tokens = 186 } },
                { .about = "though its version cannot be read",
                  .steps = { TAKEN_UP },
                  .presumed = { { 50, 60 } },
                  .recalls_in_vain = 1,
                  .recall_failure = FAILURE_NOT_FOUND,
                  .calls = "recall presumed:10000>-1 presumed:10001=50 settle:10001=50",
                  .outcome = OUTCOME_ERROR,
                  .reason = FAILURE_NOT_FOUND,
                  .usage = { .cost_nano = 50, .presumed_tokens = 60 } },
                { .about = "and asks again as long as it may, since it has no price to presume by",
                  .steps = { TAKEN_UP },
                  .presumed_failure = FAILURE_UNAVAILABLE,
                  .deadline_us = 1200 * MILLISECONDS,
                  .recalls_in_vain = 1,
                  .recall_failure = FAILURE_NOT_FOUND,
                  .calls = "recall presumed:10000>-1 sleep:500 presumed:10000>-1",
                  .outcome = OUTCOME_ERROR,
                  .reason = FAILURE_NOT_FOUND },
        };

        for (size_t i = 0; i < COUNT_OF(scripts); i++) {
                Script script = scripts[i];
                script.attempt = 1;
                script.price_nano = 1000000;
                stage_check(&script);
        }
}
END_TEST

START_TEST(free_model_is_held_where_tokens_are_counted_and_nowhere_else) {
        const Script scripts[] = {
                { .about = "tokens",
                  .budgets = { { BUDGET_OF_TENANT, BUDGET_TOKENS, BUDGET_DAY, 1000 } },
                  .model = { { "hello", .tokens = 10 } },
                  .calls = "recall reserve:1=0..0 sent:1 model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello" },
                { .about = "tokens, of which a model without a provider uses none",
                  .name = "builtin/extractive",
                  .budgets = { { BUDGET_OF_TENANT, BUDGET_TOKENS, BUDGET_DAY, 1 } },
                  .model = { { "hello" } },
                  .calls = "recall model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello" },
                { .about = "money",
                  .budgets = { { BUDGET_OF_TENANT, BUDGET_MONEY, BUDGET_DAY, 1000 } },
                  .model = { { "hello", .tokens = 10 } },
                  .calls = "recall model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello" },
        };

        CHECK_ALL(scripts);
}
END_TEST

START_TEST(no_model_is_called_when_the_bound_is_refused) {
        const struct {
                FailureKind kind;
                Outcome outcome;
        } cases[] = {
                { FAILURE_POLICY, OUTCOME_REFUSED },
                { FAILURE_LIMIT, OUTCOME_REFUSED },
                { FAILURE_TIMED_OUT, OUTCOME_ERROR },
                { FAILURE_CANCELLED, OUTCOME_CANCELLED },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                const Script script = { .about = "a bound that does not fit",
                                        .price_nano = 1000000,
                                        .model = { { "never" } },
                                        .reserve_failure = cases[i].kind,
                                        .calls = "recall reserve:1=99..186",
                                        .outcome = cases[i].outcome,
                                        .reason = cases[i].kind };
                stage_check(&script);
        }
}
END_TEST

START_TEST(message_waits_for_a_store_that_is_away_and_for_nothing_else) {
        const Script scripts[] = {
                { .about = "away for a while",
                  .recalls_in_vain = 5,
                  .recall_failure = FAILURE_UNAVAILABLE,
                  .model = { { "hello" } },
                  .calls = "recall sleep:500 recall sleep:1000 recall sleep:2000 recall sleep:4000 recall sleep:4000 "
                           "recall model",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello" },
                { .about = "away for longer than there is",
                  .recalls_in_vain = 5,
                  .recall_failure = FAILURE_UNAVAILABLE,
                  .deadline_us = 2 * SECONDS,
                  .model = { { "never" } },
                  .calls = "recall sleep:500 recall sleep:1000 recall",
                  .outcome = OUTCOME_ERROR,
                  .reason = FAILURE_UNAVAILABLE },
                { .about = "the version is gone",
                  .recalls_in_vain = 1,
                  .recall_failure = FAILURE_NOT_FOUND,
                  .model = { { "never" } },
                  .calls = "recall",
                  .outcome = OUTCOME_ERROR,
                  .reason = FAILURE_NOT_FOUND },
        };

        CHECK_ALL(scripts);
}
END_TEST

START_TEST(turn_that_is_cancelled_stops_where_it_is_and_keeps_its_partial_text) {
        const Script scripts[] = {
                { .about = "while the store is away",
                  .recalls_in_vain = 1,
                  .recall_failure = FAILURE_UNAVAILABLE,
                  .cancelled_us = 400 * MILLISECONDS,
                  .model = { { "never" } },
                  .calls = "recall sleep:500" },
                { .about = "while the model talks",
                  .model = { { "half", .failure = FAILURE_CANCELLED } },
                  .calls = "recall model",
                  .answer = "half" },
                { .about = "while it waits to ask again",
                  .model = { { "half", .failure = FAILURE_UNAVAILABLE, .retry_helps = true } },
                  .cancelled_us = SLOW + 100 * MILLISECONDS,
                  .calls = "recall model sleep:500",
                  .answer = "half" },
                { .about = "while a tool runs",
                  .model = { { "look", { "search", "mail" } } },
                  .tool = { { NULL, .failure = FAILURE_CANCELLED } },
                  .calls = "recall model reply:2 started:3 search:3",
                  .answer = "look",
                  .tools = "[\"search\",\"mail\"]",
                  .usage.tool_calls = 1 },
                { .about = "while the model talks again, before it has said a word",
                  .model = { { "look", { "search" } }, { NULL, .failure = FAILURE_CANCELLED } },
                  .tool = { { "42" } },
                  .calls = "recall model reply:2 started:3 search:3 result:4 model",
                  .answer = "look",
                  .tools = "[\"search\"]",
                  .usage.tool_calls = 1 },
        };

        for (size_t i = 0; i < COUNT_OF(scripts); i++) {
                Script script = scripts[i];
                script.outcome = OUTCOME_CANCELLED;
                script.reason = FAILURE_CANCELLED;
                stage_check(&script);
        }
}
END_TEST

START_TEST(message_of_an_altered_owner_is_refused_before_any_call) {
        const Script altered = { .about = "another owner",
                                 .owner = "eve@example.org",
                                 .model = { { "never" } },
                                 .calls = "recall",
                                 .outcome = OUTCOME_ERROR,
                                 .reason = FAILURE_INTERNAL };
        const Script moved = { .about = "another tenant",
                               .model = { { "never" } },
                               .calls = "recall",
                               .outcome = OUTCOME_ERROR,
                               .reason = FAILURE_INTERNAL };
        TurnResult result;

        stage_check(&altered);
        _cleanup_(stage_release) Stage stage = stage_new(&moved);
        stage.version.tenant_id = other_tenant;
        _cleanup_(arena_freep) Arena *arena = stage_play(&stage, &result);
        ck_assert_text(text_built(&stage.calls), TEXT("recall"));
        ck_assert_int_eq(result.outcome, OUTCOME_ERROR);
        ck_assert(uuid_equal(result.version_id, stage_version)); /* the record says which version it was */
}
END_TEST

/* It ends with what is durable, and its other part begins where it ended. */
START_TEST(turn_that_must_wait_ends_and_another_part_goes_on_with_its_steps) {
        Script script = { .about = "waits with its second call",
                          .price_nano = 1000000,
                          .model = { { "look", { "search" }, .tokens = 10 } },
                          .tool = { { "42" } },
                          .reserve_waits = 2 };
        TurnResult first, second, third;
        _cleanup_(stage_release) Stage stage = stage_new(&script);
        _cleanup_(arena_freep) Arena *arena = stage_play(&stage, &first);

        ck_assert_text(text_prefix(text_built(&stage.calls), 112),
                       TEXT("recall reserve:1=99..186 sent:1 model reply:2=20 settle:2=20 started:3 search:3 result:4 "
                            "reserve:5=164..251"));
        ck_assert(first.waits);
        ck_assert_int_eq(first.outcome, OUTCOME_REFUSED);
        ck_assert_int_eq(first.ordinal, 4);
        ck_assert_uint_eq(first.step_count, 3);
        for (size_t i = 0; i < first.step_count; i++)
                script.steps[i] = first.steps[i];
        script.before = (TurnBefore){ true, first.ordinal, first.usage.model_calls, first.usage.tool_calls,
                                      first.answer };
        script.model[0] = (Says){ "It is 42.", .tokens = 10 };
        script.reserve_waits = 0;
        _cleanup_(stage_release) Stage again = stage_new(&script);
        _cleanup_(arena_freep) Arena *other = stage_play(&again, &second);
        ck_assert_text(text_built(&again.calls), TEXT("recall reserve:5=164..251 sent:5 model"));
        ck_assert(!second.waits && second.owes);
        ck_assert_int_eq(second.outcome, OUTCOME_SUCCESS);
        ck_assert_text(second.answer, TEXT("It is 42."));
        ck_assert_int_eq(second.usage.cost_nano, 40);
        ck_assert_int_eq(second.usage.model_calls, 2);
        ck_assert_int_eq(second.usage.tool_calls, 1);
        ck_assert_text(second.tools, TEXT("[\"search\"]"));
        /* What it had said is there also when the other part says nothing. */
        script.reserve_failure = FAILURE_LIMIT;
        _cleanup_(stage_release) Stage refused = stage_new(&script);
        _cleanup_(arena_freep) Arena *last = stage_play(&refused, &third);
        ck_assert_int_eq(third.outcome, OUTCOME_REFUSED);
        ck_assert_text(third.answer, TEXT("look"));
}
END_TEST

/* Parts of one attempt count together; another attempt begins anew. */
START_TEST(model_that_only_asks_for_tools_is_stopped) {
        const struct {
                Script script;
                int models;
        } cases[] = {
                { { .about = "tools for ever", .model = { { "more", { "shell" } } } }, 16 },
                { { .about = "two rounds before it waited",
                    .steps = { REPLY(2, "search"), STARTED(3), RESULT(4), REPLY(6, "search"), STARTED(7), RESULT(8) },
                    .before = { .resumed = true, .ordinal = 8 },
                    .model = { { "more", { "shell" } } } },
                  14 },
                { { .about = "a round before it was taken up",
                    .steps = { REPLY(2, "search"), STARTED(3), RESULT(4), TAKEN_UP },
                    .attempt = 1,
                    .model = { { "more", { "shell" } } } },
                  16 },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(stage_release) Stage stage = stage_new(&cases[i].script);
                TurnResult result;
                _cleanup_(arena_freep) Arena *arena = stage_play(&stage, &result);
                Text rest = text_built(&stage.calls), call;
                int models = 0;
                while (text_split(&rest, ' ', &call))
                        models += text_equal(call, TEXT("model"));
                ck_assert_msg(models == cases[i].models, "%s: %d", cases[i].script.about, models);
                ck_assert_int_eq(result.outcome, OUTCOME_ERROR);
                ck_assert_int_eq(result.reason, FAILURE_INTERNAL);
                ck_assert_text(result.answer, TEXT("more"));
        }
}
END_TEST

START_TEST(conversation_that_outgrows_its_memory_ends_as_too_large) {
        static char long_text[20000];
        memset(long_text, 'x', sizeof(long_text) - 1);
        const Script script = { .about = "a long reply with a tool",
                                .memory = 16384,
                                .model = { { long_text, { "shell" } } } };
        _cleanup_(stage_release) Stage stage = stage_new(&script);
        TurnResult result;
        _cleanup_(arena_freep) Arena *arena = stage_play(&stage, &result);

        ck_assert_text(text_built(&stage.calls), TEXT("recall model"));
        ck_assert_int_eq(result.outcome, OUTCOME_ERROR);
        ck_assert_int_eq(result.reason, FAILURE_TOO_LARGE);
}
END_TEST

START_TEST(command_runs_its_operation_and_nothing_else) {
        const Script scripts[] = {
                { .about = "a command",
                  .command = true,
                  .price_nano = 1000000,
                  .calls = "operate",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "Done." },
                { .about = "a store that comes back",
                  .command = true,
                  .recalls_in_vain = 2,
                  .recall_failure = FAILURE_UNAVAILABLE,
                  .calls = "operate sleep:500 operate sleep:1000 operate",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "Done." },
                { .about = "what may not be done is refused",
                  .command = true,
                  .recalls_in_vain = 1,
                  .recall_failure = FAILURE_FORBIDDEN,
                  .calls = "operate",
                  .outcome = OUTCOME_REFUSED,
                  .reason = FAILURE_FORBIDDEN },
                { .about = "what broke is an error",
                  .command = true,
                  .recalls_in_vain = 1,
                  .recall_failure = FAILURE_INTERNAL,
                  .calls = "operate",
                  .outcome = OUTCOME_ERROR,
                  .reason = FAILURE_INTERNAL },
        };

        CHECK_ALL(scripts);
}
END_TEST

UNIT_TESTS("orchestrator/turn", command_runs_its_operation_and_nothing_else, answer_without_tools_writes_no_step,
           reply_is_committed_before_its_tools_and_each_start_before_its_tool,
           tool_does_not_run_when_what_precedes_it_was_not_committed, turn_taken_up_again_replays_its_steps_and_goes_on,
           step_that_cannot_be_read_ends_the_message_before_anything_is_done,
           model_is_asked_again_only_while_that_helps, each_call_is_held_before_and_said_with_what_it_cost,
           message_taken_up_again_says_first_what_it_may_have_cost,
           free_model_is_held_where_tokens_are_counted_and_nowhere_else, no_model_is_called_when_the_bound_is_refused,
           message_waits_for_a_store_that_is_away_and_for_nothing_else,
           turn_that_is_cancelled_stops_where_it_is_and_keeps_its_partial_text,
           message_of_an_altered_owner_is_refused_before_any_call, model_that_only_asks_for_tools_is_stopped,
           turn_that_must_wait_ends_and_another_part_goes_on_with_its_steps,
           conversation_that_outgrows_its_memory_ends_as_too_large)
