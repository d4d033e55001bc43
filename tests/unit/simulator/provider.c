/* Models, tools and money as they are outside: the provider's own bills, and what each tool really did. What is billed
 * or done stays so, whatever becomes of the hub that asked. */
#include "tests/unit/simulator/simulation.h"

#include <assert.h>
#include <stdio.h>

typedef struct ToolRecord {
        Text id;
        CallKey key;
        int runs;
} ToolRecord;

/* What the provider may bill at most: every byte it is sent as a token, and all it may write. */
static int64_t worst_bill(const Version *version, const ModelRequest *request, int64_t *ret_bytes) {
        int64_t bytes = 0;

        for (size_t i = 0; i < request->message_count; i++) {
                const ModelMessage *message = &request->messages[i];
                bytes += (int64_t) message->content.length;
                for (size_t k = 0; k < message->call_count; k++)
                        bytes += (int64_t) (message->calls[k].name.length + message->calls[k].arguments.length);
        }
        *ret_bytes = bytes;
        return bytes * (version->prompt_price_nano / 1000000) +
               request->max_tokens * (version->completion_price_nano / 1000000);
}

static int rounds_so_far(const ModelRequest *request) {
        int rounds = 0;

        for (size_t i = 0; i < request->message_count; i++)
                rounds += request->messages[i].role == MODEL_ASSISTANT;
        return rounds;
}

/* Billed when the request reaches the provider, whatever comes of it here. */
static void bill(SimulatedTurn *turn, const Usage *usage, int64_t worst) {
        Simulation *simulation = turn->process->simulation;
        Books *books = &simulation->books;
        const Version *version = turn->version;
        int64_t nano = usage->prompt_tokens * (version->prompt_price_nano / 1000000) +
                       usage->completion_tokens * (version->completion_price_nano / 1000000);

        if (worst == 0)
                return;
        books->billed_nano += nano;
        if (nano > worst)
                books->overbilled_nano += nano - worst;
        if (books_held(simulation, turn->reserved) < worst) {
                check_violated(simulation, "a model was called without a reservation that covers it");
                return;
        }
        if (books->billed_nano > books->limit_nano + books->overbilled_nano)
                check_violated(simulation, "the provider billed more than the budget's limit");
        books_made(simulation, turn->reserved);
        turn->life->billed_nano += nano < worst ? nano : worst;
}

static Text reply_text(SimulatedTurn *turn, Arena *arena) {
        Simulation *simulation = turn->process->simulation;
        Random *random = &simulation->provider;
        size_t size = (size_t) random_between(random, 60, random_chance(random, 0.02) ? 4000 : 200);
        char *bytes = arena_take(arena, size);

        assert(bytes);
        int length = snprintf(bytes, size, "%s%lld says %016llx ",
                              random_chance(random, simulation->plan.unstorable) ? UNSTORABLE : "",
                              (long long) turn->life->note->number, (unsigned long long) random_next(random));
        memset(bytes + length, 'x', size - (size_t) length);
        return (Text){ bytes, size };
}

static const char *const argument_samples[] = {
        "{}",
        "{\"what\":\"something\"}",
        "{\"what\": ", /* a model may write anything */
        ("{\"what\":\"a longer thing, since what a model asks for is sent back to it with the next call, and is billed "
         "as "
         "part of the prompt like everything else, byte for byte, whatever it is that it asked for in the first "
         "place\"}"),
};

static void ask_for_tools(SimulatedTurn *turn, Arena *arena, ModelReply *reply) {
        static const char *const names[] = { "lookup", "charge" };
        Simulation *simulation = turn->process->simulation;
        Random *random = &simulation->provider;

        reply->call_count = (size_t) random_between(random, 1, 3);
        reply->calls = arena_take_array(arena, ModelToolCall, reply->call_count);
        assert(reply->calls);
        for (size_t i = 0; i < reply->call_count; i++) {
                Text id = run_format(simulation, "call-%llu", (unsigned long long) ++simulation->call_ids);
                bool nonsense = random_chance(random, 0.02);
                reply->calls[i] = (ModelToolCall){
                        .id = id,
                        .name = nonsense ? TEXT("destroy") : text_of(names[random_below(random, 2)]),
                        .arguments = text_of(argument_samples[random_below(random, COUNT_OF(argument_samples))]),
                };
        }
}

typedef struct ModelFailure {
        FailureKind kind;
        bool retry_helps, billed, known;
} ModelFailure;

static const ModelFailure model_failures[] = {
        { FAILURE_LIMIT, true, false, true },       { FAILURE_UNAVAILABLE, true, false, false },
        { FAILURE_UNAVAILABLE, true, true, false }, { FAILURE_TIMED_OUT, true, true, false },
        { FAILURE_INTERNAL, false, true, true },    { FAILURE_POLICY, false, true, true },
        { FAILURE_TOO_LARGE, false, false, true },
};

/* What becomes of a call is settled when it begins. */
typedef struct ModelFate {
        const ModelFailure *failure; /* NULL: it replies */
        Usage usage;                 /* as billed */
        bool known;                  /* and the caller is told */
        int64_t delay;
} ModelFate;

static ModelFate model_fate(Simulation *simulation, const ModelRequest *request, int64_t bytes, int64_t left_us) {
        Random *random = &simulation->provider;
        ModelFate fate = { .known = random_chance(random, 0.95), .delay = random_delay(random, 200 * MILLISECONDS) };

        fate.usage.prompt_tokens = random_chance(random, 0.2) ? bytes : random_between(random, 1, bytes);
        fate.usage.completion_tokens = random_between(random, 1, request->max_tokens);
        if (random_chance(random, simulation->plan.overbilled))
                fate.usage.completion_tokens += request->max_tokens;
        if (!random_chance(random, simulation->plan.model_fails))
                return fate;
        fate.failure = &model_failures[random_below(random, COUNT_OF(model_failures))];
        fate.known = fate.failure->known;
        if (!fate.failure->billed)
                fate.usage = (Usage){ 0 };
        if (fate.failure->kind == FAILURE_TIMED_OUT && random_chance(random, 0.1))
                fate.delay = left_us > 0 ? left_us : 0;
        return fate;
}

static bool model_failed(SimulatedTurn *turn, const ModelFate *fate, Arena *arena, ModelReply *ret_reply,
                         Failure *reterr) {
        Random *random = &turn->process->simulation->provider;

        ret_reply->retry_helps = fate->failure->retry_helps;
        if (fate->failure->kind == FAILURE_LIMIT && random_chance(random, 0.5))
                ret_reply->retry_after_us = random_between(random, 0, 5 * SECONDS);
        if (random_chance(random, 0.3))
                ret_reply->content = reply_text(turn, arena);
        return failure_set(reterr, fate->failure->kind, "The simulated model failed.");
}

bool provider_model(SimulatedTurn *turn, const ModelRequest *request, Arena *arena, ModelReply *ret_reply,
                    Failure *reterr) {
        Simulation *simulation = turn->process->simulation;
        int64_t bytes, worst = worst_bill(turn->version, request, &bytes);
        int round = rounds_so_far(request);

        if (turn->ghost)
                return failure_set(reterr, FAILURE_CANCELLED, "The turn was stopped.");
        ModelFate fate = model_fate(simulation, request, bytes,
                                    request->deadline_us - process_now(turn->process).monotonic_us);
        simulation->result->model_calls++;
        check_model(turn, round);
        bill(turn, &fate.usage, worst);
        if (!turn_pause_interruptibly(turn, fate.delay))
                return failure_set(reterr, FAILURE_CANCELLED, "The turn was stopped.");
        ret_reply->usage_known = fate.known;
        if (fate.known)
                ret_reply->usage = fate.usage;
        if (fate.failure)
                return model_failed(turn, &fate, arena, ret_reply, reterr);
        ret_reply->content = reply_text(turn, arena);
        if (request->stream)
                request->stream(request->listener, ret_reply->content);
        if (round < turn->life->rounds && request->tool_count > 0)
                ask_for_tools(turn, arena, ret_reply);
        check_model_replied(turn, round, ret_reply->call_count > 0);
        return true;
}

bool provider_tool_is_idempotent(Text name) {
        return text_equal(name, TEXT("lookup"));
}

static void tool_works(SimulatedTurn *turn, CallKey key, const ModelToolCall *call) {
        Simulation *simulation = turn->process->simulation;
        ToolRecord *record = map_get(simulation->books.tools, call->id);

        simulation->result->tool_calls++;
        if (!record) {
                record = run_take(simulation, sizeof(*record));
                *record = (ToolRecord){ run_format(simulation, "%.*s", TEXT_ARGUMENTS(call->id)), key, 0 };
                map_put(simulation->books.tools, record->id, record);
        }
        record->runs++;
        check_tool(turn, key, call, record->runs, memcmp(&record->key, &key, sizeof(key)) == 0);
}

bool provider_tool(SimulatedTurn *turn, CallKey key, const ModelToolCall *call, Arena *arena, ToolResult *ret_result,
                   Failure *reterr) {
        Simulation *simulation = turn->process->simulation;
        Random *random = &simulation->provider;
        bool fails = random_chance(random, simulation->plan.tool_fails), works = !fails || random_chance(random, 0.5);

        if (!turn_pause(turn, random_delay(random, 5 * MILLISECONDS)))
                return failure_set(reterr, FAILURE_CANCELLED, "The turn was stopped.");
        if (works)
                tool_works(turn, key, call);
        if (!turn_pause(turn, random_delay(random, 5 * MILLISECONDS)))
                return failure_set(reterr, FAILURE_CANCELLED, "The turn was stopped.");
        if (fails)
                return failure_set(reterr, FAILURE_UNAVAILABLE, "The simulated tool failed.");
        (void) arena;
        ret_result->content = TEXT("{\"done\":true}");
        ret_result->failed = random_chance(random, 0.05);
        return true;
}
