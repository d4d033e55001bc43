#include "orchestrator/turn.h"
#include "orchestrator/turn_steps.h"

#define MODEL_ROUNDS         16 /* model calls of one attempt that ended in tool calls */
#define MODEL_RETRIES        4
#define TOKENS_LIMIT         (INT64_C(1) << 30) /* of one call; more is not believed */
#define RETRY_PAUSE_MOST_US  (3600 * SECONDS)
#define RETRY_PAUSE_US       (500 * MILLISECONDS)
#define RECALL_PAUSE_MOST_US (4 * SECONDS)

/* Sums of money are wider than their result. */
__extension__ typedef __int128 Wide;

typedef struct Turn {
        const TurnInput *input;
        World *world;
        Arena *arena;
        TurnResult *result;
        Recalled recalled;
        Conversation conversation;
        int32_t ordinal;
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
        return kind == FAILURE_POLICY || (turn->input->command && !broke);
}

/* A failure of the world: whether it is the model's, the store's or the sender's doing, its kind says. */
static bool turn_fail(Turn *turn, const Failure *failure) {
        Outcome outcome = failure->kind == FAILURE_CANCELLED ? OUTCOME_CANCELLED
                          : is_refusal(turn, failure->kind)  ? OUTCOME_REFUSED
                                                             : OUTCOME_ERROR;
        return turn_end(turn, outcome, failure);
}

static CallKey turn_key(Turn *turn) {
        return (CallKey){ turn->input->message_id, turn->input->attempt * STEP_ATTEMPT + ++turn->ordinal };
}

static bool turn_step(Turn *turn, int32_t ordinal, StepKind kind, Text payload) {
        Failure failure;

        if (!payload.length) /* a step that says nothing could not be replayed */
                failure_set(&failure, FAILURE_TOO_LARGE, "The conversation takes more memory than a turn may.");
        else if (turn->world->step(turn->world, turn->input, ordinal, kind, payload, &failure))
                return true;
        return turn_fail(turn, &failure);
}

/* Tokens of a text are never more than its bytes. */
static int64_t call_bound(const Version *version, const Conversation *conversation) {
        Wide bytes = 0;

        for (size_t i = 0; i < conversation->count; i++) {
                const ModelMessage *message = &conversation->messages[i];
                bytes += (Wide) message->content.length + 16;
                for (size_t k = 0; k < message->call_count; k++)
                        bytes += (Wide) message->calls[k].id.length + message->calls[k].name.length +
                                 message->calls[k].arguments.length + 16;
        }
        for (size_t i = 0; i < version->tool_count; i++)
                bytes += (Wide) version->tools[i].parameters.length + version->tools[i].description.length + 32;
        Wide nano = bytes * version->prompt_price_nano + (Wide) version->max_tokens * version->completion_price_nano;
        return (int64_t) ((nano + 999999) / 1000000);
}

/* Of usage within TOKENS_LIMIT and prices below 2⁵³ the sum fits. */
static int64_t call_cost(const Version *version, const Usage *usage) {
        Wide nano = (Wide) usage->prompt_tokens * version->prompt_price_nano +
                    (Wide) usage->completion_tokens * version->completion_price_nano;
        return (int64_t) ((nano + 999999) / 1000000);
}

/* What a provider says it used is a stranger's number. */
static int64_t tokens_within(int64_t tokens) {
        return tokens < 0 ? 0 : tokens > TOKENS_LIMIT ? TOKENS_LIMIT : tokens;
}

static void usage_within(Usage *usage) {
        usage->prompt_tokens = tokens_within(usage->prompt_tokens);
        usage->completion_tokens = tokens_within(usage->completion_tokens);
        usage->cached_tokens = tokens_within(usage->cached_tokens);
}

static void turn_stream(void *turn_, Text piece) {
        Turn *turn = turn_;
        turn->world->stream(turn->world, piece);
}

static bool turn_stopped(void *turn_) {
        Turn *turn = turn_;
        return turn->world->stopped(turn->world);
}

/* What a call that failed has cost: what the provider says, nothing if it turned the call away, else all it may have.
 */
static int64_t failed_cost(const Version *version, const ModelReply *reply, FailureKind kind, int64_t bound) {
        bool turned_away = kind == FAILURE_LIMIT || kind == FAILURE_FORBIDDEN || kind == FAILURE_INVALID ||
                           kind == FAILURE_UNSUPPORTED;

        if (reply->usage_known)
                return call_cost(version, &reply->usage);
        return turned_away ? 0 : bound;
}

static void usage_add(TurnResult *result, const Usage *usage, int64_t cost_nano) {
        result->usage.prompt_tokens += usage->prompt_tokens;
        result->usage.completion_tokens += usage->completion_tokens;
        result->usage.cached_tokens += usage->cached_tokens;
        result->usage.cost_nano += cost_nano;
        result->usage.model_calls++;
}

/* One call: reserved before, settled after, whatever became of it. */
static bool model_call(Turn *turn, const ModelRequest *request, ModelReply *ret_reply, Failure *reterr_failure) {
        const Version *version = turn->recalled.version;
        World *world = turn->world;
        CallKey key = turn_key(turn);
        int64_t bound = call_bound(version, &turn->conversation), cost;

        *ret_reply = (ModelReply){ 0 };
        if (bound > 0 && !world->reserve(world, turn->input, key, bound, reterr_failure))
                return false;
        int64_t before = world->now(world).monotonic_us;
        bool ok = world->model(world, request, turn->arena, ret_reply, reterr_failure);
        turn->result->model_us += world->now(world).monotonic_us - before;
        usage_within(&ret_reply->usage);
        if (ok)
                cost = ret_reply->usage_known ? call_cost(version, &ret_reply->usage) : bound;
        else
                cost = failed_cost(version, ret_reply, reterr_failure->kind, bound);
        if (bound > 0)
                world->settle(world, turn->input, key, cost);
        usage_add(turn->result, &ret_reply->usage, cost);
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
                .stream = version->streaming ? turn_stream : NULL,
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

static bool turn_converse(Turn *turn) {
        Conversation *conversation = &turn->conversation;
        Failure failure;

        for (int round = 0; round < MODEL_ROUNDS; round++) {
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
                if (!turn_step(turn, turn_key(turn).ordinal, STEP_MODEL_REPLY, payload))
                        return false;
                if (!conversation_reply(conversation, turn->arena, &reply, &failure))
                        return turn_fail(turn, &failure);
        }
        failure_set(&failure, FAILURE_INTERNAL, "The model asked for tools %d times without an answer.", MODEL_ROUNDS);
        return turn_fail(turn, &failure);
}

static bool turn_operate(Turn *turn, Failure *reterr_failure) {
        World *world = turn->world;
        return world->operate(world, turn->input, turn->arena, &turn->result->answer, reterr_failure);
}

static bool turn_remember(Turn *turn, Failure *reterr_failure) {
        World *world = turn->world;
        return world->recall(world, turn->input, turn->arena, &turn->recalled, reterr_failure);
}

/* A store that is away comes back: the message waits for it as long as it may. */
static bool turn_retried(Turn *turn, bool (*work)(Turn *turn, Failure *reterr_failure)) {
        World *world = turn->world;
        int64_t pause = RETRY_PAUSE_US;
        Failure failure;

        while (!work(turn, &failure)) {
                if (failure.kind != FAILURE_UNAVAILABLE ||
                    world->now(world).monotonic_us + pause >= turn->input->deadline_us)
                        return turn_fail(turn, &failure);
                if (!world->sleep(world, pause)) {
                        failure_set(&failure, FAILURE_CANCELLED, "The message was cancelled.");
                        return turn_fail(turn, &failure);
                }
                if (pause < RECALL_PAUSE_MOST_US)
                        pause *= 2;
        }
        return true;
}

static bool turn_recall(Turn *turn) {
        const TurnInput *input = turn->input;
        Failure failure;

        if (!turn_retried(turn, turn_remember))
                return false;
        const Version *version = turn->recalled.version;
        turn->result->version_id = version->id;
        turn->result->policy_hash = version->policy_hash;
        turn->result->streamed = version->streaming;
        if (!text_equal(version->owner, input->owner) || !uuid_equal(version->tenant_id, input->tenant_id)) {
                failure_set(&failure, FAILURE_INTERNAL, "The agent's owner is not who the message was accepted for.");
                return turn_fail(turn, &failure);
        }
        if (!conversation_begin(&turn->conversation, turn->arena, input, &turn->recalled, &failure) ||
            !conversation_replay(&turn->conversation, turn->arena, input, &turn->result->usage, &failure))
                return turn_fail(turn, &failure);
        return true;
}

static void turn_command(Turn *turn) {
        if (turn_retried(turn, turn_operate))
                turn->result->outcome = OUTCOME_SUCCESS;
}

void turn_run(const TurnInput *input, World *world, Arena *arena, TurnResult *ret_result) {
        Turn turn = { .input = input, .world = world, .arena = arena, .result = ret_result };

        *ret_result = (TurnResult){ .version_id = input->version_id, .policy_hash = input->policy_hash };
        if (input->command)
                turn_command(&turn);
        else if (turn_recall(&turn))
                turn_converse(&turn);
        ret_result->tools = conversation_tools(&turn.conversation, arena);
}
