#include "orchestrator/operations/agent.h"

static const Field execution_input[] = {
        { "id", FIELD_EXECUTION, REQUIRED, "The message's id." },
        { .type = FIELD_END },
};

typedef struct Sealed {
        const char *table, *column, *name;
        int value, key;
} Sealed;

static const Sealed bodies[] = {
        { "accepted", "body", "input", 21, 20 },
        { "concluded", "answer", "output", 23, 22 },
        { "concluded", "explanation", "explanation", 24, 22 },
};

/* An erased body is null. */
static bool put_sealed(OperationContext *context, const Rows *rows, const Sealed *sealed, const Uuid *id, Json *result,
                       Failure *reterr_failure) {
        Text plain;
        if (rows_is_null(rows, 0, sealed->value)) {
                json_put(result, sealed->name, json_new_null());
                return true;
        }
        SealPlace place = { sealed->table, sealed->column, { (const char *) id->bytes, sizeof(id->bytes) } };
        if (!keyring_unseal(context->operations->keyring, context->tenant_id, (int) rows_integer(rows, 0, sealed->key),
                            place, rows_text(rows, 0, sealed->value), context->arena, &plain, reterr_failure))
                return false;
        json_put_text(result, sealed->name, plain);
        return true;
}

static void put_numbers(const Rows *rows, Json *result) {
        static const struct {
                const char *name;
                int column;
        } times[] = { { "admission_ms", 6 }, { "queue_ms", 7 }, { "model_ms", 8 }, { "total_ms", 9 } }, counts[] = {
                { "prompt_tokens", 10 }, { "completion_tokens", 11 }, { "cached_tokens", 28 }, { "cost_nano", 12 },
                { "model_calls", 13 },   { "tool_calls", 14 },        { "attempt", 17 },       { "version", 18 }
        };
        for (size_t i = 0; i < COUNT_OF(times); i++)
                json_put(result, times[i].name,
                         rows_is_null(rows, 0, times[i].column) ? json_new_null()
                                                                : json_new_real(rows_real(rows, 0, times[i].column)));
        for (size_t i = 0; i < COUNT_OF(counts); i++)
                json_put(result, counts[i].name,
                         rows_is_null(rows, 0, counts[i].column)
                                 ? json_new_null()
                                 : json_new_integer(rows_integer(rows, 0, counts[i].column)));
}

static bool put_tools(const Rows *rows, Json *result, Failure *reterr_failure) {
        Json *tools = json_new_array();
        if (!rows_is_null(rows, 0, 15)) {
                json_free(tools);
                if (!json_parse(rows_text(rows, 0, 15), SIZE_MAX, &tools, reterr_failure))
                        return false;
        }
        json_put(result, "tools_called", tools);
        return true;
}

/* Running, and taken up again, are known to the hub that runs it and to nobody else. */
static void put_status(OperationContext *context, const Rows *rows, Json *result) {
        Snapshot snapshot;
        const char *status = NULL;
        Hub *hub = context->operations->hub;
        if (text_equal(rows_text(rows, 0, 2), TEXT("pending")) && hub->snapshot(hub, context->arena, &snapshot, NULL))
                for (size_t i = 0; i < snapshot.turn_count; i++)
                        if (uuid_equal(snapshot.turns[i].message_id, context->execution_id))
                                status = snapshot.turns[i].attempt > 0 ? "retry" : "running";
        json_put_text(result, "status", status ? text_of(status) : rows_text(rows, 0, 2));
        json_put_text_or_null(result, "reason", rows_text(rows, 0, 3));
        json_put_boolean(result, "cancel_requested", rows_boolean(rows, 0, 19));
}

static bool put_bodies(OperationContext *context, const Rows *rows, Json *result, Failure *reterr_failure) {
        bool may_read;
        Uuid person = { 0 };
        if (!agent_may_read(context, rows_time(rows, 0, 4), &may_read, reterr_failure))
                return false;
        if (!may_read && context->domain.length > 0 &&
            !keyring_person(context->operations->keyring, context->tenant_id, context->caller->principal, &person,
                            reterr_failure))
                return false;
        may_read = may_read || (context->domain.length > 0 && uuid_equal(person, context->sender_id));
        json_put_boolean(result, "readable", may_read);
        for (size_t i = 0; may_read && i < COUNT_OF(bodies); i++)
                if (!put_sealed(context, rows, &bodies[i], &context->execution_id, result, reterr_failure))
                        return false;
        Sealed jid = { "persons", "jid", "sender", 26, 27 };
        return !may_read || put_sealed(context, rows, &jid, &context->sender_id, result, reterr_failure);
}

static bool show_execution(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        (void) input;
        const Rows *rows;
        if (!context_run(context, QUERY_EXECUTION_READ, VALUES(value_uuid(context->execution_id)), &rows,
                         reterr_failure))
                return false;
        Json *result = *ret_result = json_new_object();
        json_put_uuid(result, "id", context->execution_id);
        json_put_text(result, "agent", rows_text(rows, 0, 1));
        put_status(context, rows, result);
        json_put_time(result, "created_at", rows_time(rows, 0, 4));
        json_put_time(result, "concluded_at", rows_time(rows, 0, 5));
        put_numbers(rows, result);
        json_put_text_or_null(result, "worker", rows_text(rows, 0, 16));
        json_put_uuid(result, "continues", rows_uuid(rows, 0, 25));
        return put_tools(rows, result, reterr_failure) && put_bodies(context, rows, result, reterr_failure);
}

const Operation execution_show = {
        .name = "execution-show",
        .summary = "Shows how a message was answered; what was said only to its sender and the agent's owner.",
        .example = "0190b6b2-6f7e-7c3a-9d2e-3f5a1c7b9e01 --tenant acme",
        .role = ROLE_OPERATOR,
        .own_agent = true,
        .deleted_too = true,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/invocations/{id}",
        .input = execution_input,
        .run = show_execution,
};
