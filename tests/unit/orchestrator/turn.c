/* A turn over a scripted World: what the model and the tools give stands in the case, and so does, as one line of text,
 * everything that the turn may have asked of its World, in order. */
#include "orchestrator/turn.h"
#include "tests/unit/unit.h"

#include <stdio.h>

#define SCRIPT_LIMIT 20
#define OWNER        TEXT("ann@example.org")
#define DEADLINE     (100 * SECONDS)
#define SLOW         (5 * SECONDS) /* how long a call of the model takes */

static const Uuid tenant = { { 1 } }, other_tenant = { { 2 } }, message = { { 3 } }, version_id = { { 4 } };

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
        bool command;
        StepRecord steps[6];
        int32_t attempt;
        int64_t price_nano; /* per million tokens, of both kinds */
        int64_t deadline_us;
        size_t memory;
        /* the World */
        Says model[SCRIPT_LIMIT]; /* the last is said again and again */
        Says tool[4];
        int recalls_in_vain; /* or operations */
        FailureKind recall_failure, reserve_failure, step_failure;
        int32_t step_fails;   /* ordinal */
        int64_t cancelled_us; /* sleep is interrupted then; 0 = never */
        /* what comes of it */
        const char *calls;
        Outcome outcome;
        FailureKind reason;
        const char *answer, *tools;
        bool warned;
        Usage usage;
} Script;

typedef struct Stage {
        World world;
        const Script *script;
        int64_t now_us;
        int recalls, models, tools;
        ModelTool may_use[2];
        Version version;
        TextBuilder calls, seen; /* seen: what the model was told, a line each time */
} Stage;

static Stage *stage_of(World *world) {
        return (Stage *) world; /* its first member */
}

static void note(Stage *stage, const char *call) {
        if (stage->calls.length)
                text_add_char(&stage->calls, ' ');
        text_add_string(&stage->calls, call);
}

static void note_number(Stage *stage, const char *call, int64_t number) {
        note(stage, call);
        text_add_format(&stage->calls, ":%lld", (long long) number);
}

static bool fails(FailureKind kind, Failure *reterr_failure) {
        return failure_set(reterr_failure, kind, "It says %s.", failure_form(kind)->name);
}

static Moment stage_now(World *world) {
        return (Moment){ .monotonic_us = stage_of(world)->now_us };
}

static bool stage_sleep(World *world, int64_t microseconds) {
        Stage *stage = stage_of(world);
        int64_t until = stage->now_us + microseconds, cancelled = stage->script->cancelled_us;

        note_number(stage, "sleep", microseconds / MILLISECONDS);
        stage->now_us = cancelled && cancelled < until ? cancelled : until;
        return stage->now_us == until;
}

static bool stage_recall(World *world, const TurnInput *input, Arena *arena, Recalled *ret_recalled, Failure *reterr) {
        Stage *stage = stage_of(world);

        (void) input;
        (void) arena;
        note(stage, "recall");
        if (stage->recalls++ < stage->script->recalls_in_vain)
                return fails(stage->script->recall_failure, reterr);
        *ret_recalled = (Recalled){ .version = &stage->version, .body = TEXT("read back") };
        return true;
}

static bool stage_operate(World *world, const TurnInput *input, Arena *arena, Text *ret_answer, Failure *reterr) {
        Stage *stage = stage_of(world);

        (void) input;
        note(stage, "operate");
        if (stage->recalls++ < stage->script->recalls_in_vain)
                return fails(stage->script->recall_failure, reterr);
        *ret_answer = text_copy(arena, TEXT("Done."));
        return true;
}

static bool stage_reserve(World *world, const TurnInput *input, CallKey key, int64_t bound_nano, Failure *reterr) {
        Stage *stage = stage_of(world);

        ck_assert(uuid_equal(key.message_id, input->message_id));
        note_number(stage, "reserve", key.ordinal);
        text_add_format(&stage->calls, "=%lld", (long long) bound_nano);
        return stage->script->reserve_failure == FAILURE_NONE || fails(stage->script->reserve_failure, reterr);
}

static void stage_settle(World *world, const TurnInput *input, CallKey key, int64_t cost_nano) {
        ck_assert(uuid_equal(key.message_id, input->message_id));
        note_number(stage_of(world), "settle", key.ordinal);
        text_add_format(&stage_of(world)->calls, "=%lld", (long long) cost_nano);
}

static void see(Stage *stage, const ModelRequest *request) {
        static const char roles[] = {
                [MODEL_SYSTEM] = 's', [MODEL_USER] = 'u', [MODEL_ASSISTANT] = 'a', [MODEL_TOOL] = 't'
        };

        for (size_t i = 0; i < request->message_count; i++) {
                const ModelMessage *each = &request->messages[i];
                text_add_format(&stage->seen, "%c(%.*s", roles[each->role], TEXT_ARGUMENTS(each->content));
                for (size_t k = 0; k < each->call_count; k++)
                        text_add_format(&stage->seen, " >%.*s", TEXT_ARGUMENTS(each->calls[k].name));
                text_add_format(&stage->seen, "%s%.*s)", each->call_id.length ? "<" : "",
                                TEXT_ARGUMENTS(each->call_id));
        }
        text_add_char(&stage->seen, '\n');
}

static bool stage_model(World *world, const ModelRequest *request, Arena *arena, ModelReply *ret_reply,
                        Failure *reterr) {
        Stage *stage = stage_of(world);
        const Says *says = &stage->script->model[stage->models];

        if (stage->models + 1 < SCRIPT_LIMIT && (says[1].text || says[1].failure))
                stage->models++;
        note(stage, "model");
        see(stage, request);
        stage->now_us += SLOW;
        *ret_reply = (ModelReply){ .content = text_of(says->text),
                                   .usage = { .prompt_tokens = says->tokens, .completion_tokens = says->tokens },
                                   .usage_known = says->tokens != 0,
                                   .retry_after_us = says->retry_after_us,
                                   .retry_helps = says->retry_helps };
        request->stream(request->listener, ret_reply->content);
        ret_reply->calls = arena_take_array(arena, ModelToolCall, COUNT_OF(says->tools));
        for (size_t i = 0; ret_reply->calls && i < COUNT_OF(says->tools) && says->tools[i]; i++)
                ret_reply->calls[ret_reply->call_count++] = (ModelToolCall){ text_of(i ? "two" : "one"),
                                                                             text_of(says->tools[i]), TEXT("{}") };
        return says->failure == FAILURE_NONE || fails(says->failure, reterr);
}

static bool stage_tool_is_idempotent(World *world, Text name) {
        (void) world;
        return text_equal(name, TEXT("search"));
}

static bool stage_tool(World *world, const TurnInput *input, CallKey key, const ModelToolCall *call, Arena *arena,
                       ToolResult *ret_result, Failure *reterr) {
        Stage *stage = stage_of(world);
        const Says *says = &stage->script->tool[stage->tools++];

        (void) arena;
        ck_assert(uuid_equal(key.message_id, input->message_id));
        note(stage, "");
        text_add_format(&stage->calls, "%.*s:%d", TEXT_ARGUMENTS(call->name), key.ordinal);
        *ret_result = (ToolResult){ text_of(says->text), false };
        return says->failure == FAILURE_NONE || fails(says->failure, reterr);
}

static bool stage_step(World *world, const TurnInput *input, int32_t ordinal, StepKind kind, Text payload,
                       Failure *reterr) {
        static const char *const kinds[] = { "taken_up", "reply", "started", "result" };
        Stage *stage = stage_of(world);

        (void) input;
        ck_assert_uint_gt(payload.length, 0);
        note_number(stage, kinds[kind], ordinal);
        return ordinal != stage->script->step_fails || fails(stage->script->step_failure, reterr);
}

static void stage_stream(World *world, Text piece) {
        (void) world;
        (void) piece;
}

static bool stage_stopped(World *world) {
        (void) world;
        return false;
}

static Stage stage_new(const Script *script) {
        return (Stage){
                .world = { .now = stage_now,
                           .sleep = stage_sleep,
                           .operate = stage_operate,
                           .recall = stage_recall,
                           .reserve = stage_reserve,
                           .settle = stage_settle,
                           .model = stage_model,
                           .tool_is_idempotent = stage_tool_is_idempotent,
                           .tool = stage_tool,
                           .step = stage_step,
                           .stream = stage_stream,
                           .stopped = stage_stopped },
                .script = script,
                .calls = text_builder(0),
                .seen = text_builder(0),
                .may_use = { { TEXT("search"), TEXT_NONE, TEXT("{}") }, { TEXT("mail"), TEXT_NONE, TEXT("{}") } },
                .version = { .id = version_id,
                             .tenant_id = tenant,
                             .owner = OWNER,
                             .max_tokens = 100,
                             .tool_count = 2,

                             .prompt_price_nano = script->price_nano,
                             .completion_price_nano = script->price_nano },
        };
}

static size_t step_count(const Script *script) {
        size_t count = 0;

        while (count < COUNT_OF(script->steps) && script->steps[count].payload.bytes)
                count++;
        return count;
}

static Arena *stage_play(Stage *stage, TurnResult *ret_result) {
        const Script *script = stage->script;
        Arena *arena = arena_new(script->memory);
        TurnInput input = { .message_id = message,
                            .tenant_id = tenant,
                            .owner = script->owner ? text_of(script->owner) : OWNER,
                            .body = script->body ? text_of(script->body) : TEXT("hi"),
                            .command = script->command,
                            .attempt = script->attempt,
                            .deadline_us = script->deadline_us ? script->deadline_us : DEADLINE,
                            .steps = script->steps,
                            .step_count = step_count(script) };

        stage->version.tools = stage->may_use;
        turn_run(&input, &stage->world, arena, ret_result);
        return arena;
}

static void stage_release(Stage *stage) {
        text_builder_release(&stage->calls);
        text_builder_release(&stage->seen);
}

static void check(const Script *script) {
        _cleanup_(stage_release) Stage stage = stage_new(script);
        TurnResult result;
        _cleanup_(arena_freep) Arena *arena = stage_play(&stage, &result);

        printf("# %s\n", script->about);
        ck_assert_text(text_built(&stage.calls), text_of(script->calls));
        ck_assert_int_eq(result.outcome, script->outcome);
        ck_assert_int_eq(result.reason, script->reason);
        ck_assert_text(result.answer, text_of(script->answer));
        ck_assert_text(result.tools, text_of(script->tools));
        ck_assert_int_eq(result.warning.length > 0, script->warned);
        ck_assert_int_eq(result.explanation.length > 0, result.outcome != OUTCOME_SUCCESS);
        ck_assert_int_eq(result.usage.tool_calls, script->usage.tool_calls);
        if (script->price_nano) {
                ck_assert_int_eq(result.usage.cost_nano, script->usage.cost_nano);
                ck_assert_int_eq(result.usage.prompt_tokens, script->usage.prompt_tokens);
        }
}

#define CHECK_ALL(scripts)                                                                                             \
        for (size_t i = 0; i < COUNT_OF(scripts); i++)                                                                 \
        check(&(scripts)[i])

/* What the model was told at its last call. */
static void check_seen(const Script *script, const char *expected) {
        _cleanup_(stage_release) Stage stage = stage_new(script);
        TurnResult result;
        _cleanup_(arena_freep) Arena *arena = stage_play(&stage, &result);
        Text rest = text_built(&stage.seen), line, last = TEXT_NONE;

        while (text_split(&rest, '\n', &line))
                last = line;
        ck_assert_text(last, text_of(expected));
}

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
        check_seen(&scripts[0], "u(hi)");
        check_seen(&scripts[1], "u(read back)");
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
        check_seen(&scripts[0], "u(hi)a(look >search)t(42<one)");
        check_seen(&scripts[1], "u(hi)a( >search >mail)t(42<one)t(sent<two)");
        check_seen(&scripts[2], "u(hi)a( >search)t(It says unavailable.<one)");
        check_seen(&scripts[3], "u(hi)a( >shell)t(This tool is not permitted.<one)");
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
        { .message_id = message, .ordinal = (ordinal_), .kind = STEP_##kind_, .payload = TEXT(json) }
#define REPLY(ordinal, name)                                                                                           \
        STEP(ordinal, MODEL_REPLY,                                                                                     \
             "{\"calls\":[{\"arguments\":\"{}\",\"id\":\"one\",\"name\":\"" name "\"}],\"content\":\"look\","          \
             "\"completion\":3,\"prompt\":7}")
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
                { .about = "what the first attempt used is counted, and what it cost is in its own settlement",
                  .steps = { REPLY(2, "mail"), STARTED(3), RESULT(4), TAKEN_UP },
                  .attempt = 1,
                  .price_nano = 1000000,
                  .model = { { "sent", .tokens = 10 } },
                  .calls = "recall reserve:10001=249 model settle:10001=20",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "sent",
                  .tools = "[\"mail\"]",
                  .usage = { .cost_nano = 20, .prompt_tokens = 17 } },
        };

        CHECK_ALL(scripts);
        check_seen(&scripts[3], "u(hi)a(look >mail)t(The outcome of this call is unknown. It was not repeated.<one)");
        check_seen(&scripts[4], "u(hi)a(look >mail)t(42<one)");
        check_seen(&scripts[5], "u(hi)a(look >mail)t(42<one)a(again >search)t(43<one)");
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
                check(&script);
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

START_TEST(each_call_is_reserved_before_and_settled_after_at_what_it_cost) {
        /* 18 bytes of the message, 68 of the tools, 100 tokens to answer with. */
        const Script scripts[] = {
                { .about = "as the provider says",
                  .model = { { "hello", .tokens = 10 } },
                  .calls = "recall reserve:1=186 model settle:1=20",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello",
                  .usage = { .cost_nano = 20, .prompt_tokens = 10 } },
                { .about = "the provider does not say: all that was held",
                  .model = { { "hello" } },
                  .calls = "recall reserve:1=186 model settle:1=186",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello",
                  .usage.cost_nano = 186 },
                { .about = "more than was held is booked in full",
                  .model = { { "hello", .tokens = 1000 } },
                  .calls = "recall reserve:1=186 model settle:1=2000",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello",
                  .usage = { .cost_nano = 2000, .prompt_tokens = 1000 } },
                { .about = "less than nothing is nothing",
                  .model = { { "hello", .tokens = -10 } },
                  .calls = "recall reserve:1=186 model settle:1=0",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello" },
                { .about = "turned away for nothing, then answered",
                  .model = { { NULL, .failure = FAILURE_LIMIT, .retry_helps = true }, { "hello", .tokens = 10 } },
                  .calls = "recall reserve:1=186 model settle:1=0 sleep:500 reserve:2=186 model settle:2=20",
                  .outcome = OUTCOME_SUCCESS,
                  .answer = "hello",
                  .usage = { .cost_nano = 20, .prompt_tokens = 10 } },
                { .about = "broken off: perhaps all of it is billed",
                  .model = { { "half", .failure = FAILURE_UNAVAILABLE } },
                  .calls = "recall reserve:1=186 model settle:1=186",
                  .outcome = OUTCOME_ERROR,
                  .reason = FAILURE_UNAVAILABLE,
                  .answer = "half",
                  .usage.cost_nano = 186 },
                { .about = "cancelled in the middle: perhaps all of it is billed",
                  .model = { { "half", .failure = FAILURE_CANCELLED } },
                  .calls = "recall reserve:1=186 model settle:1=186",
                  .outcome = OUTCOME_CANCELLED,
                  .reason = FAILURE_CANCELLED,
                  .answer = "half",
                  .usage.cost_nano = 186 },
        };

        for (size_t i = 0; i < COUNT_OF(scripts); i++) {
                Script script = scripts[i];
                script.price_nano = 1000000;
                check(&script);
        }
}
END_TEST

START_TEST(no_model_is_called_when_the_bound_is_refused) {
        const struct {
                FailureKind kind;
                Outcome outcome;
        } cases[] = {
                { FAILURE_POLICY, OUTCOME_REFUSED },
                { FAILURE_LIMIT, OUTCOME_ERROR },
                { FAILURE_UNAVAILABLE, OUTCOME_ERROR },
                { FAILURE_CANCELLED, OUTCOME_CANCELLED },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                const Script script = { .about = "a bound that does not fit",
                                        .price_nano = 1000000,
                                        .model = { { "never" } },
                                        .reserve_failure = cases[i].kind,
                                        .calls = "recall reserve:1=186",
                                        .outcome = cases[i].outcome,
                                        .reason = cases[i].kind };
                check(&script);
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
                check(&script);
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

        check(&altered);
        _cleanup_(stage_release) Stage stage = stage_new(&moved);
        stage.version.tenant_id = other_tenant;
        _cleanup_(arena_freep) Arena *arena = stage_play(&stage, &result);
        ck_assert_text(text_built(&stage.calls), TEXT("recall"));
        ck_assert_int_eq(result.outcome, OUTCOME_ERROR);
        ck_assert(uuid_equal(result.version_id, version_id)); /* the record says which version it was */
}
END_TEST

START_TEST(model_that_only_asks_for_tools_is_stopped) {
        const Script script = { .about = "tools for ever", .model = { { "more", { "shell" } } } };
        _cleanup_(stage_release) Stage stage = stage_new(&script);
        TurnResult result;
        _cleanup_(arena_freep) Arena *arena = stage_play(&stage, &result);
        Text rest = text_built(&stage.calls), call;
        int models = 0;

        while (text_split(&rest, ' ', &call))
                models += text_equal(call, TEXT("model"));
        ck_assert_int_eq(models, 16);
        ck_assert_int_eq(result.outcome, OUTCOME_ERROR);
        ck_assert_int_eq(result.reason, FAILURE_INTERNAL);
        ck_assert_text(result.answer, TEXT("more"));
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
           model_is_asked_again_only_while_that_helps, each_call_is_reserved_before_and_settled_after_at_what_it_cost,
           no_model_is_called_when_the_bound_is_refused, message_waits_for_a_store_that_is_away_and_for_nothing_else,
           turn_that_is_cancelled_stops_where_it_is_and_keeps_its_partial_text,
           message_of_an_altered_owner_is_refused_before_any_call, model_that_only_asks_for_tools_is_stopped,
           conversation_that_outgrows_its_memory_ends_as_too_large)
