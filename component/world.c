#include "component/world.h"

#include "base/map.h"
#include "component/inbox.h"

#include <errno.h>
#include <time.h>

#define VERSIONS_KEPT    4096
#define HISTORY_LIMIT    64
#define DRAFT_PAUSE_US   SECONDS /* before the first, and then twice as long each time */
#define DRAFTS           6
#define DRAFT_LIMIT      ((size_t) 256 * 1024)
#define READ_PATIENCE_US (10 * SECONDS)

typedef struct CachedVersion {
        Version version; /* first */
        Policy *policy;
        Shingles *secret;
        Arena *arena;
        int32_t holders;
} CachedVersion;

struct Versions {
        pthread_mutex_t lock;
        Map *by_id;
};

Versions *versions_new(void) {
        Versions *versions = memory_new(sizeof(*versions));

        pthread_mutex_init(&versions->lock, NULL);
        versions->by_id = map_new(64);
        return versions;
}

static void cached_free(CachedVersion *cached) {
        crypto_wipe((void *) cached->version.prompt.bytes, cached->version.prompt.length);
        policy_free(cached->policy);
        shingles_free(cached->secret);
        arena_free(cached->arena);
        free(cached);
}

void versions_free(Versions *versions) {
        CachedVersion *cached;
        for (size_t i = 0; (cached = map_each(versions->by_id, &i));)
                cached_free(cached);
        map_free(versions->by_id);
        pthread_mutex_destroy(&versions->lock);
        free(versions);
}

static CachedVersion *versions_hold(Versions *versions, Uuid id) {
        pthread_mutex_lock(&versions->lock);
        CachedVersion *cached = map_get(versions->by_id, MAP_KEY(id));
        if (cached)
                cached->holders++;
        pthread_mutex_unlock(&versions->lock);
        return cached;
}

static void versions_trim(Versions *versions) {
        CachedVersion *cached;

        if (map_count(versions->by_id) < VERSIONS_KEPT)
                return;
        for (size_t i = 0; (cached = map_each(versions->by_id, &i));)
                if (cached->holders == 0) {
                        map_remove(versions->by_id, MAP_KEY(cached->version.id));
                        cached_free(cached);
                }
}

/* Two threads may have read the same one: the first stays. */
static CachedVersion *versions_add(Versions *versions, CachedVersion *read) {
        pthread_mutex_lock(&versions->lock);
        CachedVersion *known = map_get(versions->by_id, MAP_KEY(read->version.id));
        CachedVersion *cached = known ? known : read;
        if (!known) {
                versions_trim(versions);
                map_put(versions->by_id, MAP_KEY(read->version.id), read);
        }
        cached->holders++;
        pthread_mutex_unlock(&versions->lock);
        if (cached != read)
                cached_free(read);
        return cached;
}

static void versions_release(Versions *versions, Version *version) {
        pthread_mutex_lock(&versions->lock);
        ((CachedVersion *) version)->holders--;
        pthread_mutex_unlock(&versions->lock);
}

static Text joined(Arena *arena, const Text *items, size_t count) {
        TextBuilder text = text_builder(0);
        for (size_t i = 0; i < count; i++) {
                if (i)
                        text_add_string(&text, "; ");
                text_add(&text, items[i]);
        }
        Text copied = text.length ? text_copy(arena, text_built(&text)) : TEXT_NONE;
        text_builder_release(&text);
        return copied;
}

static bool version_unseal(const WorldSettings *settings, const TurnInput *input, const Rows *rows, Arena *arena,
                           Text *ret_prompt, Failure *reterr_failure) {
        SealPlace place = { "agent_versions", "system_prompt", MAP_KEY(input->version_id) };
        Text sealed = rows_text(rows, 0, 5);

        *ret_prompt = TEXT_NONE;
        if (!sealed.length)
                return true;
        return keyring_unseal(settings->keyring, input->tenant_id, (int) rows_integer(rows, 0, 6), place, sealed, arena,
                              ret_prompt, reterr_failure);
}

static bool version_fill(const WorldSettings *settings, const TurnInput *input, const Rows *rows, CachedVersion *cached,
                         Failure *reterr_failure) {
        Arena *arena = cached->arena;
        Version *version = &cached->version;
        Text *constraints, hash = rows_text(rows, 0, 13);
        size_t constraint_count;

        if (!version_unseal(settings, input, rows, arena, &version->prompt, reterr_failure) ||
            !rows_texts(rows, 0, 4, arena, &constraints, &constraint_count))
                return failure_prefix(reterr_failure, "the agent's version");
        if (!policy_new(rows_text(rows, 0, 18), &cached->policy, reterr_failure))
                return failure_prefix(reterr_failure, "the agent's policy");
        cached->secret = shingles_new(version->prompt);
        version->id = input->version_id;
        version->tenant_id = input->tenant_id;
        version->agent_id = rows_uuid(rows, 0, 0);
        version->owner = text_copy(arena, rows_text(rows, 0, 1));
        version->name = text_copy(arena, rows_text(rows, 0, 2));
        version->goal = text_copy(arena, rows_text(rows, 0, 3));
        version->constraints = joined(arena, constraints, constraint_count);
        version->model = text_copy(arena, rows_text(rows, 0, 7));
        version->provider_url = text_copy(arena, rows_text(rows, 0, 16));
        version->provider_key = text_copy(arena, rows_text(rows, 0, 17));
        version->temperature = rows_is_null(rows, 0, 8) ? -1 : rows_real(rows, 0, 8);
        version->knowledge = model_reads_passages(version->model);
        version->max_tokens = (int32_t) rows_integer(rows, 0, 9);
        version->short_term_limit = (int32_t) rows_integer(rows, 0, 10);
        version->streaming = rows_boolean(rows, 0, 15);
        version->prompt_price_nano = rows_integer(rows, 0, 11);
        version->completion_price_nano = rows_integer(rows, 0, 12);
        if (hash.length == HASH_SIZE)
                memcpy(version->policy_hash.bytes, hash.bytes, HASH_SIZE);
        return true;
}

static bool version_read(const WorldSettings *settings, const TurnInput *input, CachedVersion **ret_cached,
                         Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;

        if (!transaction_begin(settings->database, DATABASE_TENANT, input->tenant_id, &transaction, reterr_failure) ||
            !transaction_run(transaction, QUERY_TURN_VERSION, VALUES(value_uuid(input->version_id)), &rows,
                             reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "The agent's version is gone.");
        CachedVersion *cached = memory_new(sizeof(*cached));
        cached->arena = arena_new(0);
        if (!version_fill(settings, input, rows, cached, reterr_failure)) {
                cached_free(cached);
                return false;
        }
        *ret_cached = cached;
        return true;
}

static bool unseal_text(const WorldSettings *settings, Uuid tenant_id, const char *table, const char *column, Uuid id,
                        int key_id, Text sealed, Arena *arena, Text *ret_text, Failure *reterr_failure) {
        SealPlace place = { table, column, MAP_KEY(id) };

        *ret_text = TEXT_NONE;
        return !sealed.length ||
               keyring_unseal(settings->keyring, tenant_id, key_id, place, sealed, arena, ret_text, reterr_failure);
}

bool world_unseal_body(const WorldSettings *settings, Uuid tenant_id, Uuid id, int key_id, Text sealed, Arena *arena,
                       Text *ret_body, Failure *reterr_failure) {
        return unseal_text(settings, tenant_id, "accepted", "body", id, key_id, sealed, arena, ret_body,
                           reterr_failure);
}

bool world_read_body(const WorldSettings *settings, Transaction *transaction, const TurnInput *input, Arena *arena,
                     Text *ret_body, Failure *reterr_failure) {
        const Rows *rows;

        if (!transaction_run(transaction, QUERY_TURN_BODY, VALUES(value_uuid(input->message_id)), &rows,
                             reterr_failure))
                return false;
        if (rows_count(rows) == 0 || rows_is_null(rows, 0, 0))
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "The message's text was erased.");
        return world_unseal_body(settings, input->tenant_id, input->message_id, (int) rows_integer(rows, 0, 1),
                                 rows_text(rows, 0, 0), arena, ret_body, reterr_failure);
}

/* Rows come newest first; the model reads oldest first. */
static bool history_fill(const WorldSettings *settings, const TurnInput *input, const Rows *rows, Arena *arena,
                         Recalled *recalled, Failure *reterr_failure) {
        size_t count = rows_count(rows);
        ModelMessage *history = arena_take_array(arena, ModelMessage, count * 2);

        if (count && !history)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "The conversation is too long.");
        for (size_t i = 0; i < count; i++) {
                size_t row = count - 1 - i;
                Uuid id = rows_uuid(rows, row, 0);
                history[2 * i].role = MODEL_USER;
                history[2 * i + 1].role = MODEL_ASSISTANT;
                if (!world_unseal_body(settings, input->tenant_id, id, (int) rows_integer(rows, row, 1),
                                       rows_text(rows, row, 2), arena, &history[2 * i].content, reterr_failure) ||
                    !unseal_text(settings, input->tenant_id, "concluded", "answer", id,
                                 (int) rows_integer(rows, row, 3), rows_text(rows, row, 4), arena,
                                 &history[2 * i + 1].content, reterr_failure))
                        return false;
        }
        recalled->history = history;
        recalled->history_count = count * 2;
        return true;
}

/* The limit counts messages, an exchange is two. */
static bool recall_history(const WorldSettings *settings, Transaction *transaction, const TurnInput *input,
                           int32_t limit, Arena *arena, Recalled *recalled, Failure *reterr_failure) {
        const Rows *rows;
        Uuid person;

        if (limit > HISTORY_LIMIT)
                limit = HISTORY_LIMIT;
        if (!keyring_person(settings->keyring, input->tenant_id, input->sender, &person, reterr_failure) ||
            !transaction_run(transaction, QUERY_TURN_HISTORY,
                             VALUES(value_uuid(input->agent_id), value_uuid(person), value_integer(input->conversation),
                                    value_uuid(input->message_id), value_integer((limit + 1) / 2)),
                             &rows, reterr_failure))
                return false;
        return history_fill(settings, input, rows, arena, recalled, reterr_failure);
}

static bool recall_passages(Transaction *transaction, const TurnInput *input, Text question, Arena *arena,
                            Recalled *recalled, Failure *reterr_failure) {
        const Rows *rows;

        if (!transaction_run(transaction, QUERY_TURN_PASSAGES,
                             VALUES(value_uuid(input->agent_id), value_text(question)), &rows, reterr_failure))
                return false;
        size_t count = rows_count(rows);
        recalled->passages = arena_take_array(arena, ModelPassage, count);
        if (count && !recalled->passages)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "The agent's knowledge is too large.");
        for (size_t i = 0; i < count; i++) {
                Text source = rows_text(rows, i, 0);
                recalled->passages[i] = (ModelPassage){
                        .source = text_copy(arena, source.length ? source : rows_text(rows, i, 1)),
                        .heading = text_copy(arena, rows_text(rows, i, 2)),
                        .content = text_copy(arena, rows_text(rows, i, 3)),
                        .rank = rows_real(rows, i, 4),
                };
        }
        recalled->passage_count = count;
        return true;
}

static bool needs_database(const Version *version, const TurnInput *input) {
        return !input->body.length || version->short_term_limit > 0 || version->knowledge;
}

/* A version is kept for good, its price is not: a turn has a copy with what holds as it begins. A tenant's own provider
 * sends the tenant its own bills. */
static bool version_price(WorkerWorld *world, Failure *reterr_failure) {
        Version *priced = &world->priced;
        ModelPrice price = { { -1, -1, -1 } };

        *priced = *world->version;
        if (!priced->provider_url.length &&
            !price_book_find(world->settings->prices, priced->model, &price, reterr_failure))
                return false;
        price_settle(&price, &priced->prompt_price_nano, &priced->completion_price_nano, &priced->cached_price_nano);
        return true;
}

static bool world_recall(World *world_, const TurnInput *input, Arena *arena, Recalled *ret_recalled,
                         Failure *reterr_failure) {
        WorkerWorld *world = (WorkerWorld *) world_;
        const WorldSettings *settings = world->settings;
        CachedVersion *cached = versions_hold(settings->versions, input->version_id);
        _cleanup_(transaction_endp) Transaction *transaction = NULL;

        *ret_recalled = (Recalled){ 0 };
        if (!cached) {
                if (!version_read(settings, input, &cached, reterr_failure))
                        return false;
                cached = versions_add(settings->versions, cached);
        }
        if (world->version) /* of a recall that failed */
                versions_release(settings->versions, world->version);
        world->version = &cached->version;
        if (!version_price(world, reterr_failure))
                return false;
        const Version *version = ret_recalled->version = &world->priced;
        ret_recalled->secret = cached->secret;
        ret_recalled->policies[POLICY_OF_AGENT] = cached->policy;
        if (!world_hold_policy(settings, input, &world->tenant_policy, reterr_failure))
                return false;
        ret_recalled->policies[POLICY_OF_TENANT] = world->tenant_policy;
        if (!needs_database(version, input))
                return true;
        if (!transaction_begin(settings->database, DATABASE_TENANT, input->tenant_id, &transaction, reterr_failure))
                return false;
        if (!input->body.length &&
            !world_read_body(settings, transaction, input, arena, &ret_recalled->body, reterr_failure))
                return false;
        if (version->short_term_limit > 0 && !recall_history(settings, transaction, input, version->short_term_limit,
                                                             arena, ret_recalled, reterr_failure))
                return false;
        Text question = input->body.length ? input->body : ret_recalled->body;
        return !version->knowledge ||
               recall_passages(transaction, input, question, arena, ret_recalled, reterr_failure);
}

static Moment world_now(World *world) {
        (void) world;
        return clock_now();
}

static bool world_sleep(World *world_, int64_t microseconds) {
        TurnControl *control = ((WorkerWorld *) world_)->control;
        struct timespec deadline = clock_timespec(clock_now().monotonic_us + microseconds);

        pthread_mutex_lock(&control->lock);
        while (!control->stopped && pthread_cond_timedwait(&control->changed, &control->lock, &deadline) != ETIMEDOUT) {
        }
        bool stopped = control->stopped;
        pthread_mutex_unlock(&control->lock);
        return !stopped;
}

static bool world_stopped(World *world_) {
        TurnControl *control = ((WorkerWorld *) world_)->control;

        pthread_mutex_lock(&control->lock);
        bool stopped = control->stopped;
        pthread_mutex_unlock(&control->lock);
        return stopped;
}

static bool world_model(World *world, const ModelRequest *request, Arena *arena, ModelReply *ret_reply,
                        Failure *reterr_failure) {
        text_builder_reset(&((WorkerWorld *) world)->said);
        return world_complete((WorkerWorld *) world, request, arena, ret_reply, reterr_failure);
}

static bool world_tool_is_idempotent(World *world, Text name) {
        (void) world;
        (void) name;
        return false;
}

static bool world_tool(World *world, const TurnInput *input, CallKey key, const ModelToolCall *call, Arena *arena,
                       ToolResult *ret_result, Failure *reterr_failure) {
        (void) world;
        (void) input;
        (void) key;
        (void) arena;
        (void) ret_result;
        return failure_set(reterr_failure, FAILURE_UNSUPPORTED, "There is no tool %.*s here.",
                           TEXT_ARGUMENTS(call->name));
}

static bool world_step(World *world_, const TurnInput *input, const TurnStep *step, Failure *reterr_failure) {
        WorkerWorld *world = (WorkerWorld *) world_;
        TurnControl *control = world->control;
        Note *note = memory_new(sizeof(*note));

        (void) input;
        note->kind = NOTE_STEP;
        note->event.kind = EVENT_STEP;
        note->event.step.turn = world->turn;
        note->event.step.ordinal = step->ordinal;
        note->event.step.kind = step->kind;
        note->event.step.payload = step->payload;
        note->event.step.spent = step->spent;
        pthread_mutex_lock(&control->lock);
        control->step_done = control->closed;
        pthread_mutex_unlock(&control->lock);
        inbox_put(world->settings->inbox, note);
        /* The hub thread always answers, also to a turn that was stopped. */
        pthread_mutex_lock(&control->lock);
        while (!control->step_done)
                pthread_cond_wait(&control->changed, &control->lock);
        Failure failure = control->step_failure;
        pthread_mutex_unlock(&control->lock);
        if (failure.kind == FAILURE_NONE)
                return true;
        if (reterr_failure)
                *reterr_failure = failure;
        return false;
}

/* What is shown last is the answer itself, so that the one before must not be long ago. */
static void world_stream(World *world_, Text piece) {
        WorkerWorld *world = (WorkerWorld *) world_;
        int64_t now_us = clock_now().monotonic_us;

        text_add(&world->said, piece);
        if (world->draft_us == 0)
                world->draft_us = now_us + DRAFT_PAUSE_US;
        if (now_us < world->draft_us || world->drafts == DRAFTS)
                return;
        world->draft_us = now_us + (DRAFT_PAUSE_US << ++world->drafts);
        Note *note = memory_new(sizeof(*note));
        note->arena = arena_new(0);
        note->kind = NOTE_STREAM;
        note->event.kind = EVENT_STREAM;
        note->event.stream.turn = world->turn;
        note->event.stream.text = text_copy(note->arena, text_prefix(text_built(&world->said), DRAFT_LIMIT));
        inbox_put(world->settings->inbox, note);
}

WorkerWorld worker_world(const WorldSettings *settings, TurnControl *control, uint64_t turn) {
        return (WorkerWorld){
                .world = { .now = world_now,
                           .sleep = world_sleep,
                           .operate = world_operate,
                           .recall = world_recall,
                           .reserve = world_reserve,
                           .sent = world_sent,
                           .release = world_release,
                           .settle = world_settle,
                           .presumed = world_presumed,
                           .model = world_model,
                           .tool_is_idempotent = world_tool_is_idempotent,
                           .tool = world_tool,
                           .step = world_step,
                           .stream = world_stream,
                           .stopped = world_stopped },
                .settings = settings,
                .control = control,
                .turn = turn,
                .said = text_builder(0),
        };
}

void worker_world_release(WorkerWorld *world) {
        text_builder_release(&world->said);
        if (world->version)
                versions_release(world->settings->versions, world->version);
        if (world->tenant_policy)
                world_release_policy(world->settings, world->tenant_policy);
        world->version = NULL;
        world->tenant_policy = NULL;
}
