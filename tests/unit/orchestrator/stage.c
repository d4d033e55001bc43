#include "tests/unit/orchestrator/stage.h"

#include <stdio.h>

const Uuid stage_tenant = { { 1 } }, stage_message = { { 3 } }, stage_version = { { 4 } };

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

static void note_amount(Stage *stage, const BudgetAmounts *amounts) {
        text_add_format(&stage->calls, "=%lld", (long long) amounts->units[BUDGET_MONEY]);
}

static bool stage_reserve(World *world, const TurnInput *input, const CallBound *call, Reserved *ret_reserved,
                          Failure *reterr) {
        Stage *stage = stage_of(world);
        const Script *script = stage->script;

        ck_assert(uuid_equal(call->key.message_id, input->message_id));
        note_number(stage, "reserve", call->key.ordinal);
        text_add_format(&stage->calls, "=%lld..%lld", (long long) call->least.units[BUDGET_MONEY],
                        (long long) call->most.units[BUDGET_MONEY]);
        ret_reserved->granted = script->granted.units[BUDGET_TOKENS] ? script->granted : call->most;
        ret_reserved->spent.known = script->reserve_failure == FAILURE_LIMIT;
        ret_reserved->waits = stage->reserves + 1 == script->reserve_waits;
        if (ret_reserved->waits)
                return fails(FAILURE_LIMIT, reterr);
        if (stage->reserves++ < script->reserves_in_vain)
                return fails(FAILURE_UNAVAILABLE, reterr);
        return script->reserve_failure == FAILURE_NONE || fails(script->reserve_failure, reterr);
}

static bool stage_sent(World *world, const TurnInput *input, CallKey key, Failure *reterr) {
        (void) input;
        (void) reterr;
        note_number(stage_of(world), "sent", key.ordinal);
        return true;
}

static void stage_release_call(World *world, const TurnInput *input, CallKey key) {
        (void) input;
        note_number(stage_of(world), "release", key.ordinal);
}

static void stage_settle(World *world, const TurnInput *input, int32_t ordinal, BudgetAmounts total) {
        (void) input;
        note_number(stage_of(world), "settle", ordinal);
        note_amount(stage_of(world), &total);
}

static bool stage_presumed(World *world, const TurnInput *input, const CallBound *call, int32_t covered,
                           BudgetAmounts *ret_amounts, Failure *reterr) {
        Stage *stage = stage_of(world);
        const Script *script = stage->script;

        (void) input;
        *ret_amounts = script->presumed;
        if (!script->price_nano)
                return true;
        note_number(stage, "presumed", call->key.ordinal);
        text_add_format(&stage->calls, ">%d", covered);
        return script->presumed_failure == FAILURE_NONE || fails(script->presumed_failure, reterr);
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
        if (request->max_tokens != stage->version.max_tokens)
                text_add_format(&stage->calls, "(%d)", request->max_tokens);
        see(stage, request);
        stage->now_us += SLOW;
        *ret_reply = (ModelReply){ .content = text_of(says->text),
                                   .usage = { .prompt_tokens = says->tokens, .completion_tokens = says->tokens },
                                   .usage_known = says->tokens != 0,
                                   .retry_after_us = says->retry_after_us,
                                   .retry_helps = says->retry_helps };
        if (request->stream)
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

static bool stage_step(World *world, const TurnInput *input, const TurnStep *step, Failure *reterr) {
        static const char *const kinds[] = { "taken_up", "reply", "started", "result", "presumed" };
        Stage *stage = stage_of(world);

        (void) input;
        ck_assert(step->payload.length > 0 || step->kind == STEP_PRESUMED);
        note_number(stage, kinds[step->kind], step->ordinal);
        if (step->spent.units[BUDGET_MONEY])
                note_amount(stage, &step->spent);
        return step->ordinal != stage->script->step_fails || fails(stage->script->step_failure, reterr);
}

static void stage_stream(World *world, Text piece) {
        (void) world;
        (void) piece;
}

static bool stage_stopped(World *world) {
        (void) world;
        return false;
}

Stage stage_new(const Script *script) {
        return (Stage){
                .world = { .now = stage_now,
                           .sleep = stage_sleep,
                           .operate = stage_operate,
                           .recall = stage_recall,
                           .reserve = stage_reserve,
                           .sent = stage_sent,
                           .release = stage_release_call,
                           .settle = stage_settle,
                           .presumed = stage_presumed,
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
                .version = { .id = stage_version,
                             .tenant_id = stage_tenant,
                             .owner = OWNER,
                             .model = text_of(script->name ? script->name : "openai/m"),
                             .streaming = true,
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

Arena *stage_play(Stage *stage, TurnResult *ret_result) {
        const Script *script = stage->script;
        Arena *arena = arena_new(script->memory);
        TurnInput input = { .message_id = stage_message,
                            .tenant_id = stage_tenant,
                            .owner = script->owner ? text_of(script->owner) : OWNER,
                            .body = script->body ? text_of(script->body) : TEXT("hi"),
                            .command = script->command,
                            .attempt = script->attempt,
                            .before = script->before,
                            .deadline_us = script->deadline_us ? script->deadline_us : DEADLINE,
                            .steps = script->steps,
                            .step_count = step_count(script),
                            .closing = script->closing,
                            .budgets = script->budgets,
                            .budget_count = script->budgets[0].amount > 0 };

        stage->version.tools = stage->may_use;
        turn_run(&input, &stage->world, arena, ret_result);
        return arena;
}

void stage_release(Stage *stage) {
        text_builder_release(&stage->calls);
        text_builder_release(&stage->seen);
}

void stage_check(const Script *script) {
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
        ck_assert_int_eq(result.explanation.length > 0, result.outcome > OUTCOME_SUCCESS);
        ck_assert_int_eq(result.usage.tool_calls, script->usage.tool_calls);
        if (script->price_nano) {
                ck_assert_int_eq(result.usage.cost_nano, script->usage.cost_nano);
                ck_assert_int_eq(result.usage.prompt_tokens, script->usage.prompt_tokens);
                ck_assert_int_eq(result.usage.presumed_tokens, script->usage.presumed_tokens);
                ck_assert_int_eq(result.owes, script->owes);
                ck_assert_int_eq(result.event_count, script->events);
                for (size_t i = 0; i < result.event_count; i++)
                        ck_assert_str_eq(result.events[i].type, "budget.exceeded-bound");
        }
}

/* What the model was told at its last call. */
void stage_check_seen(const Script *script, const char *expected) {
        _cleanup_(stage_release) Stage stage = stage_new(script);
        TurnResult result;
        _cleanup_(arena_freep) Arena *arena = stage_play(&stage, &result);
        Text rest = text_built(&stage.seen), line, last = TEXT_NONE;

        while (text_split(&rest, '\n', &line))
                last = line;
        ck_assert_text(last, text_of(expected));
}
