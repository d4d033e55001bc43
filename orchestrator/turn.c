#include "orchestrator/turn.h"
#include "orchestrator/turn_bounds.h"
#include "orchestrator/turn_events.h"
#include "orchestrator/turn_guard.h"

#define MODEL_ROUNDS        16 /* model calls of one attempt that ended in tool calls */
#define MODEL_RETRIES       4
#define LEAST_OUTPUT        8 /* a call is of use with such a part of its output limit */
#define RETRY_PAUSE_MOST_US (3600 * SECONDS)
#define RETRY_PAUSE_US      (500 * MILLISECONDS)
#define RETRY_PAUSE_FAR_US  (4 * SECONDS) /* of a store that is away */

typedef struct Turn {
        const TurnInput *input;
        TurnInput guarded; /* the same, with what the rules leave of the body */
        World *world;
        Arena *arena;
        TurnResult *result;
        Recalled recalled;
        Conversation conversation;
        int32_t ordinal;
        BudgetAmounts booked; /* what the last row says that the message has cost */
        bool overbilled;      /* by the provider: no further call is made */
} Turn;

static bool turn_end(Turn *turn, Outcome outcome, const Failure *failure) {
        turn->result->outcome = outcome;
        turn->result->reason = failure->kind;
        turn->result->explanation = text_copy(turn->arena, text_of(failure->text));
        return false;
}

/* What an operation says no to is refused; an operation that broke is not. */
static bool is_refusal(const Turn *turn, FailureKind kind) {
        bool broke = kind == FAILURE_INTERNAL || kind == FAILURE_UNAVAILABLE || kind == FAILURE_TIMED_OUT;
        return kind == FAILURE_POLICY ||
               (kind == FAILURE_LIMIT && (turn->result->spent.known || turn->result->waits)) ||
               (turn->input->command && !broke);
}

/* A failure of the world: whether it is the model's, the store's or the sender's doing, its kind says. */
static bool turn_fail(Turn *turn, const Failure *failure) {
        Outcome outcome = failure->kind == FAILURE_CANCELLED ? OUTCOME_CANCELLED
                          : is_refusal(turn, failure->kind)  ? OUTCOME_REFUSED
                                                             : OUTCOME_ERROR;
        return turn_end(turn, outcome, failure);
}

/* A store that is away comes back: the message waits for it as long as it may. */
static bool turn_retried(Turn *turn, bool (*work)(Turn *turn, void *about, Failure *reterr_failure), void *about,
                         Failure *reterr_failure) {
        World *world = turn->world;
        int64_t pause = RETRY_PAUSE_US;

        while (!work(turn, about, reterr_failure)) {
                if (reterr_failure->kind != FAILURE_UNAVAILABLE || turn->result->waits ||
                    world->now(world).monotonic_us + pause >= turn->input->deadline_us)
                        return false;
                if (!world->sleep(world, pause))
                        return failure_set(reterr_failure, FAILURE_CANCELLED, "The message was cancelled.");
                if (pause < RETRY_PAUSE_FAR_US)
                        pause *= 2;
        }
        return true;
}

static CallKey turn_key(Turn *turn) {
        return (CallKey){ turn->input->message_id, turn->input->attempt * STEP_ATTEMPT + ++turn->ordinal };
}

static bool out_of_room(Failure *reterr_failure) {
        return failure_set(reterr_failure, FAILURE_TOO_LARGE, "The conversation takes more memory than a turn may.");
}

static bool step_commit(Turn *turn, const TurnStep *step, Failure *reterr_failure) {
        const TurnInput *input = turn->input;
        const StepRecord record = { .message_id = input->message_id,
                                    .tenant_id = input->tenant_id,
                                    .ordinal = step->ordinal,
                                    .kind = step->kind,
                                    .payload = step->payload,
                                    .spent = step->spent };

        return turn->world->step(turn->world, input, step, reterr_failure) &&
               conversation_keep(&turn->conversation, turn->arena, &record, reterr_failure);
}

static bool turn_step(Turn *turn, int32_t ordinal, StepKind kind, Text payload) {
        TurnStep step = { .ordinal = ordinal, .kind = kind, .payload = payload };
        Failure failure;

        if (!payload.length) /* a step that says nothing could not be replayed */
                out_of_room(&failure);
        else if (step_commit(turn, &step, &failure))
                return true;
        return turn_fail(turn, &failure);
}

/* A step that says what the message has cost so far. When it is durable, and not before, that is settled. */
static bool turn_book(Turn *turn, StepKind kind, Text payload) {
        World *world = turn->world;
        TurnStep step = {
                .ordinal = turn_key(turn).ordinal,
                .kind = kind,
                .payload = payload,
                .spent = usage_spent(&turn->result->usage),
        };
        Failure failure;

        if (!step_commit(turn, &step, &failure))
                return turn_fail(turn, &failure);
        turn->booked = step.spent;
        if (turn->result->owes)
                world->settle(world, turn->input, step.ordinal, step.spent);
        turn->result->owes = false;
        return true;
}

static void turn_stream(void *turn_, Text piece) {
        Turn *turn = turn_;
        turn->world->stream(turn->world, piece);
}

static bool turn_stopped(void *turn_) {
        Turn *turn = turn_;
        return turn->world->stopped(turn->world);
}

/* One call: what it may cost, and what was held for it. */
typedef struct Call {
        CallBound bound;
        int64_t prompt; /* tokens at most */
        BudgetAmounts held;
        bool budgeted; /* it costs money, or its tokens are counted */
} Call;

static bool counts_tokens(const TurnInput *input, const Version *version) {
        if (model_is_built_in(version->model))
                return false;
        for (size_t i = 0; i < input->budget_count; i++)
                if (input->budgets[i].unit == BUDGET_TOKENS)
                        return true;
        return false;
}

static int64_t least_output(const Version *version) {
        return (version->max_tokens - 1) / LEAST_OUTPUT + 1;
}

static Call call_of(const Turn *turn, CallKey key) {
        const Version *version = turn->recalled.version;
        Call call = { .prompt = bound_prompt(version, &turn->conversation) };

        call.bound = (CallBound){
                .key = key,
                .spent = turn->booked,
                .least = bound_amounts(version, call.prompt, least_output(version)),
                .most = bound_amounts(version, call.prompt, version->max_tokens),
        };
        call.held = call.bound.most;
        call.budgeted = call.held.units[BUDGET_MONEY] > 0 || counts_tokens(turn->input, version);
        return call;
}

/* An emptier message may fit in what is left. */
static void spent_weigh(const Turn *turn, SpentBudget *spent) {
        const Version *version = turn->recalled.version;
        int64_t prompt = bound_prompt(version, &(Conversation){ 0 }) + (int64_t) version->prompt.length +
                         (int64_t) version->goal.length + (int64_t) version->constraints.length;
        BudgetAmounts least = bound_amounts(version, prompt, least_output(version));
        BudgetUnit unit = spent->budget.unit;

        if (least.units[unit] <= spent->budget.amount - spent->spent)
                spent->opens_us = 0;
}

static bool call_hold(Turn *turn, void *call_, Failure *reterr_failure) {
        Call *call = call_;
        World *world = turn->world;
        Reserved reserved = { 0 };
        bool held = world->reserve(world, turn->input, &call->bound, &reserved, reterr_failure);

        call->held = reserved.granted;
        if (reserved.spent.known)
                turn->result->near = reserved.spent;
        if (held)
                return world->sent(world, turn->input, call->bound.key, reterr_failure);
        turn->result->waits = reserved.waits;
        turn->result->spent = reserved.spent;
        if (reserved.spent.known)
                spent_weigh(turn, &turn->result->spent);
        return false;
}

/* Holds what the call may cost, and lowers its output limit to what that pays for. */
static bool call_reserve(Turn *turn, Call *call, ModelRequest *request, Failure *reterr_failure) {
        request->max_tokens = turn->recalled.version->max_tokens;
        if (turn->overbilled)
                return failure_set(reterr_failure, FAILURE_INTERNAL,
                                   "The model's provider billed more than was agreed, so it was not asked again.");
        /* What waited for a budget that is gone by now has to leave its line. */
        if (!call->budgeted && !turn->input->before.resumed)
                return true;
        if (!turn_retried(turn, call_hold, call, reterr_failure))
                return false;
        if (!call->budgeted)
                return true;
        request->max_tokens = bound_output(turn->recalled.version, call->prompt, &call->held);
        return turn->result->owes = true;
}

/* What a provider turns away costs nothing; what fails in another way may have cost all that it might. */
static bool was_turned_away(FailureKind kind) {
        return kind == FAILURE_LIMIT || kind == FAILURE_FORBIDDEN || kind == FAILURE_INVALID ||
               kind == FAILURE_UNSUPPORTED;
}

static void tell_overbilled(Turn *turn, const Call *call, const BudgetAmounts *billed) {
        Json *facts = json_new_object();

        turn->overbilled = true;
        json_put_integer(facts, "bound_nano", call->held.units[BUDGET_MONEY]);
        json_put_integer(facts, "bound_tokens", call->held.units[BUDGET_TOKENS]);
        json_put_integer(facts, "billed_nano", billed->units[BUDGET_MONEY]);
        json_put_integer(facts, "billed_tokens", billed->units[BUDGET_TOKENS]);
        turn_event(turn->result, turn->arena, "budget.exceeded-bound", "warning", facts);
}

/* Adds what the call cost to the message: what the provider says, in full; or else all that was held for it. */
static void call_charge(Turn *turn, const Call *call, const ModelReply *reply, bool turned_away) {
        Usage *usage = &turn->result->usage;
        BudgetAmounts cost = { 0 };

        usage->model_calls++;
        if (reply->usage_known) {
                cost = usage_amounts(turn->recalled.version, &reply->usage);
                usage->prompt_tokens += reply->usage.prompt_tokens;
                usage->completion_tokens += reply->usage.completion_tokens;
                usage->cached_tokens += reply->usage.cached_tokens;
        } else if (call->budgeted && !turned_away) {
                cost = call->held;
                usage->presumed_tokens += cost.units[BUDGET_TOKENS];
        }
        usage->cost_nano += cost.units[BUDGET_MONEY];
        if (call->budgeted && amounts_exceed(&cost, &call->held))
                tell_overbilled(turn, call, &cost);
        if (call->budgeted && amounts_none(&cost)) {
                turn->world->release(turn->world, turn->input, call->bound.key);
                turn->result->owes = false;
        }
}

/* One call: held before, and charged to the message after, whatever became of it. */
static bool model_call(Turn *turn, ModelRequest *request, ModelReply *ret_reply, Failure *reterr_failure) {
        World *world = turn->world;
        Call call = call_of(turn, turn_key(turn));

        *ret_reply = (ModelReply){ 0 };
        if (!call_reserve(turn, &call, request, reterr_failure))
                return false;
        int64_t before = world->now(world).monotonic_us;
        bool ok = world->model(world, request, turn->arena, ret_reply, reterr_failure);
        turn->result->model_us += world->now(world).monotonic_us - before;
        usage_limit(&ret_reply->usage);
        call_charge(turn, &call, ret_reply, !ok && was_turned_away(reterr_failure->kind));
        return ok;
}

static bool retry_wait(Turn *turn, const ModelReply *reply, int tries, const Failure *failure) {
        int64_t pause = reply->retry_after_us > 0 ? reply->retry_after_us : RETRY_PAUSE_US << tries;
        Failure cancelled;

        if (pause > RETRY_PAUSE_MOST_US)
                pause = RETRY_PAUSE_MOST_US;
        if (!reply->retry_helps || tries >= MODEL_RETRIES ||
            turn->world->now(turn->world).monotonic_us + pause >= turn->input->deadline_us)
                return turn_fail(turn, failure);
        if (turn->result->owes && !turn_book(turn, STEP_PRESUMED, TEXT_NONE))
                return false;
        if (turn->world->sleep(turn->world, pause))
                return true;
        failure_set(&cancelled, FAILURE_CANCELLED, "The message was cancelled.");
        return turn_fail(turn, &cancelled);
}

/* What was last heard of the model is the answer, should there never be a whole one. */
static void partial_keep(Turn *turn, const ModelReply *reply) {
        if (reply->content.length)
                turn->result->answer = reply->content;
}

/* The next reply of the model, tried again while that can help and there is time. */
static bool model_next(Turn *turn, ModelReply *ret_reply) {
        const Version *version = turn->recalled.version;
        ModelRequest request = {
                .model = version->model,
                .messages = turn->conversation.messages,
                .message_count = turn->conversation.count,
                .tools = version->tools,
                .tool_count = version->tool_count,
                .passages = turn->recalled.passages,
                .passage_count = turn->recalled.passage_count,
                .temperature = version->temperature,
                .max_tokens = version->max_tokens,
                .deadline_us = turn->input->deadline_us,
                .stream = version->streaming && !turn_guards_output(&turn->recalled) ? turn_stream : NULL,
                .stopped = turn_stopped,
                .listener = turn,
        };
        Failure failure;

        for (int tries = 0;; tries++) {
                if (model_call(turn, &request, ret_reply, &failure))
                        return true;
                partial_keep(turn, ret_reply);
                if (!retry_wait(turn, ret_reply, tries, &failure))
                        return false;
        }
}

static bool tool_permitted(const Version *version, Text name) {
        for (size_t i = 0; i < version->tool_count; i++)
                if (text_equal(version->tools[i].name, name))
                        return true;
        return false;
}

static void warn_unknown(Turn *turn, Text tool) {
        TextBuilder text = text_builder(512);
        text_add_format(&text, "Whether the tool %.*s did its work is unknown: the hub stopped while it ran.",
                        TEXT_ARGUMENTS(tool));
        turn->result->warning = text_copy(turn->arena, text_built(&text));
        text_builder_release(&text);
}

/* Runs one tool that the model asked for. Started before and without a result, it runs again only if that is harmless.
 */
static bool tool_run(Turn *turn, const PendingCall *call, ToolResult *ret_result) {
        World *world = turn->world;
        Failure failure;
        CallKey key = { turn->input->message_id, call->started };

        if (!tool_permitted(turn->recalled.version, call->call.name)) {
                *ret_result = (ToolResult){ TEXT("This tool is not permitted."), true };
                return true;
        }
        if (turn_wants_approval(&turn->recalled, call->call.name)) {
                *ret_result = (ToolResult){ TEXT("This tool needs an approval, which nobody can give yet."), true };
                return true;
        }
        if (call->started && !world->tool_is_idempotent(world, call->call.name)) {
                warn_unknown(turn, call->call.name);
                *ret_result = (ToolResult){ TEXT("The outcome of this call is unknown. It was not repeated."), true };
                return true;
        }
        if (!call->started) {
                key = turn_key(turn);
                Text started = step_started(turn->arena, call->index);
                if (!turn_step(turn, key.ordinal, STEP_TOOL_STARTED, started))
                        return false;
        }
        turn->result->usage.tool_calls++;
        if (world->tool(world, turn->input, key, &call->call, turn->arena, ret_result, &failure))
                return true;
        if (failure.kind == FAILURE_CANCELLED)
                return turn_fail(turn, &failure);
        *ret_result = (ToolResult){ text_copy(turn->arena, text_of(failure.text)), true };
        return true;
}

static bool tools_run(Turn *turn) {
        Conversation *conversation = &turn->conversation;
        Failure failure;

        for (size_t i = 0; i < conversation->call_count; i++) {
                PendingCall *call = &conversation->calls[i];
                ToolResult result = { 0 };
                if (call->done)
                        continue;
                if (!tool_run(turn, call, &result))
                        return false;
                Text payload = step_result(turn->arena, call->index, &result);
                if (!turn_step(turn, turn_key(turn).ordinal, STEP_TOOL_RESULT, payload))
                        return false;
                if (!conversation_result(conversation, turn->arena, call, &result, &failure))
                        return turn_fail(turn, &failure);
        }
        return true;
}

static bool turn_reply(Turn *turn, Text payload) {
        Failure failure;

        if (payload.length) /* a step that says nothing could not be replayed */
                return turn_book(turn, STEP_MODEL_REPLY, payload);
        out_of_room(&failure);
        return turn_fail(turn, &failure);
}

/* How often the model asked for tools in earlier parts of this attempt. */
static int rounds_before(const TurnInput *input) {
        int rounds = 0;

        for (size_t i = 0; i < input->step_count; i++)
                rounds += input->steps[i].kind == STEP_MODEL_REPLY &&
                          input->steps[i].ordinal / STEP_ATTEMPT == input->attempt;
        return rounds;
}

static bool turn_converse(Turn *turn) {
        Conversation *conversation = &turn->conversation;
        Failure failure;

        for (int round = rounds_before(turn->input); round < MODEL_ROUNDS; round++) {
                ModelReply reply;
                if (!tools_run(turn) || !model_next(turn, &reply))
                        return false;
                if (reply.call_count == 0) {
                        turn->result->answer = reply.content;
                        turn->result->outcome = OUTCOME_SUCCESS;
                        return true;
                }
                partial_keep(turn, &reply);
                Text payload = step_reply(turn->arena, &reply);
                if (!turn_reply(turn, payload))
                        return false;
                if (!conversation_reply(conversation, turn->arena, &reply, &failure))
                        return turn_fail(turn, &failure);
        }
        failure_set(&failure, FAILURE_INTERNAL, "The model asked for tools %d times without an answer.", MODEL_ROUNDS);
        return turn_fail(turn, &failure);
}

static bool turn_operate(Turn *turn, void *about, Failure *reterr_failure) {
        World *world = turn->world;

        (void) about;
        return world->operate(world, turn->input, turn->arena, &turn->result->answer, reterr_failure);
}

static bool turn_remember(Turn *turn, void *about, Failure *reterr_failure) {
        World *world = turn->world;

        (void) about;
        return world->recall(world, turn->input, turn->arena, &turn->recalled, reterr_failure);
}

static bool turn_recall(Turn *turn) {
        const TurnInput *input = turn->input;
        Failure failure;

        if (!turn_retried(turn, turn_remember, NULL, &failure))
                return turn_fail(turn, &failure);
        const Version *version = turn->recalled.version;
        turn->result->version_id = version->id;
        turn->result->policy_hash = policy_stamp(&version->policy_hash, turn->recalled.policies[POLICY_OF_TENANT]);
        turn->result->streamed = version->streaming;
        if (!text_equal(version->owner, input->owner) || !uuid_equal(version->tenant_id, input->tenant_id)) {
                failure_set(&failure, FAILURE_INTERNAL, "The agent's owner is not who the message was accepted for.");
                return turn_fail(turn, &failure);
        }
        if (!turn_guard_input(&turn->guarded, &turn->recalled, turn->arena, turn->result, &failure) ||
            !conversation_begin(&turn->conversation, turn->arena, &turn->guarded, &turn->recalled, &failure) ||
            !conversation_replay(&turn->conversation, turn->arena, input, &turn->result->usage, &failure))
                return turn_fail(turn, &failure);
        return true;
}

/* The steps of earlier parts do not say how often something was tried in vain, nor what people may see of it. */
static void turn_go_on(Turn *turn) {
        const TurnBefore *before = &turn->input->before;
        Usage *usage = &turn->result->usage;

        if (usage->model_calls < before->model_calls)
                usage->model_calls = before->model_calls;
        usage->tool_calls += before->tool_calls;
        if (before->answer.length && !turn->result->answer.length)
                turn->result->answer = text_copy(turn->arena, before->answer); /* the input ends before the result */
}

/* Of earlier attempts: what their steps say that they cost, and which of them says it last. */
static int32_t turn_covered(Turn *turn) {
        const TurnInput *input = turn->input;
        int32_t covered = -1;

        for (size_t i = 0; i < input->step_count; i++)
                if (input->steps[i].kind == STEP_MODEL_REPLY || input->steps[i].kind == STEP_PRESUMED) {
                        covered = input->steps[i].ordinal;
                        turn->booked = input->steps[i].spent;
                }
        return covered;
}

typedef struct Presumption {
        CallBound call;
        int32_t covered;
        BudgetAmounts amounts;
} Presumption;

static bool turn_presume(Turn *turn, void *about, Failure *reterr_failure) {
        Presumption *presumption = about;
        World *world = turn->world;

        return world->presumed(world, turn->input, &presumption->call, presumption->covered, &presumption->amounts,
                               reterr_failure);
}

/* A message that is taken up again says first what calls of earlier attempts may have cost that no step accounts for.
 * When nobody can tell in time, that is the most that one call may cost. */
static bool turn_take_up(Turn *turn) {
        Usage *usage = &turn->result->usage;
        Presumption presumption = { .covered = turn_covered(turn) };
        Failure failure;
        Call call = { 0 };

        usage->cost_nano = turn->booked.units[BUDGET_MONEY];
        usage->presumed_tokens = turn->booked.units[BUDGET_TOKENS] - usage->prompt_tokens - usage->completion_tokens;
        if (usage->presumed_tokens < 0) /* of a row that was written before rows said so */
                usage->presumed_tokens = 0;
        if (turn->input->attempt == 0 || turn->input->before.resumed)
                return true;
        presumption.call.key = (CallKey){ turn->input->message_id, turn->input->attempt * STEP_ATTEMPT };
        presumption.call.spent = turn->booked;
        if (turn->recalled.version) {
                call = call_of(turn, presumption.call.key);
                presumption.call = call.bound;
        }
        /* What a version that cannot be read costs is not known either. */
        bool known = call.budgeted || !turn->recalled.version ? turn_retried(turn, turn_presume, &presumption, &failure)
                                                              : turn_presume(turn, &presumption, &failure);
        if (!known)
                presumption.amounts = call.budgeted ? call.bound.most : (BudgetAmounts){ 0 };
        if (amounts_none(&presumption.amounts))
                return true;
        usage->cost_nano += presumption.amounts.units[BUDGET_MONEY];
        usage->presumed_tokens += presumption.amounts.units[BUDGET_TOKENS];
        turn->result->owes = true;
        return turn_book(turn, STEP_PRESUMED, TEXT_NONE);
}

static void turn_command(Turn *turn) {
        Failure failure;

        if (turn_retried(turn, turn_operate, NULL, &failure))
                turn->result->outcome = OUTCOME_SUCCESS;
        else
                turn_fail(turn, &failure);
}

/* Whatever keeps a message from being answered, what it has cost is said. */
static bool turn_begin(Turn *turn) {
        bool recalled = turn_recall(turn), counted = turn_take_up(turn);

        turn_go_on(turn);
        return recalled && counted && !turn->input->closing;
}

void turn_run(const TurnInput *input, World *world, Arena *arena, TurnResult *ret_result) {
        Turn turn = { .input = input,
                      .guarded = *input,
                      .world = world,
                      .arena = arena,
                      .result = ret_result,
                      .ordinal = input->before.ordinal };

        *ret_result = (TurnResult){ .version_id = input->version_id, .policy_hash = input->policy_hash };
        if (input->command)
                turn_command(&turn);
        else if (turn_begin(&turn))
                turn_converse(&turn);
        if (!input->command)
                turn_guard_output(&turn.recalled, arena, ret_result);
        ret_result->ordinal = turn.ordinal - 1;
        ret_result->steps = turn.conversation.steps;
        ret_result->step_count = turn.conversation.step_count;
        ret_result->tools = conversation_tools(&turn.conversation, arena);
}
