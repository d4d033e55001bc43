#include "orchestrator/operations/person.h"
#include "orchestrator/operations/profile.h"

typedef Json *RowMaker(const Rows *rows, size_t row);

static Json *subscription_item(const Rows *rows, size_t row) {
        Json *item = json_new_object();
        json_put_text(item, "agent", rows_text(rows, row, 0));
        json_put_text(item, "domain", rows_text(rows, row, 1));
        json_put_time(item, "updated_at", rows_time(rows, row, 2));
        return item;
}

static Json *grant_item(const Rows *rows, size_t row) {
        Json *item = json_new_object();
        json_put_text(item, "agent", rows_text(rows, row, 0));
        json_put_boolean(item, "read_bodies", rows_boolean(rows, row, 1));
        json_put_time(item, "created_at", rows_time(rows, row, 2));
        json_put_time(item, "expires_at", rows_time(rows, row, 3));
        return item;
}

static Json *feedback_item(const Rows *rows, size_t row) {
        _cleanup_(arena_freep) Arena *arena = arena_new((size_t) 64 * 1024);
        Json *item = json_new_object(), *reactions = json_new_array();
        Text *items;
        size_t count;
        json_put_uuid(item, "message", rows_uuid(rows, row, 0));
        json_put_text(item, "agent", rows_text(rows, row, 1));
        if (rows_texts(rows, row, 2, arena, &items, &count))
                for (size_t i = 0; i < count; i++)
                        json_append(reactions, json_new_text(items[i]));
        json_put(item, "reactions", reactions);
        json_put_time(item, "updated_at", rows_time(rows, row, 3));
        return item;
}

static Json *membership_item(const Rows *rows, size_t row) {
        Json *item = json_new_object();
        json_put_text(item, "role", rows_text(rows, row, 0));
        json_put_time(item, "since", rows_time(rows, row, 1));
        json_put_text_or_null(item, "name", rows_text(rows, row, 2));
        json_put_text_or_null(item, "email", rows_text(rows, row, 3));
        return item;
}

static Json *operations_item(const Rows *rows, size_t row) {
        Json *item = json_new_object();
        json_put_integer(item, "count", rows_integer(rows, row, 0));
        json_put_time(item, "first", rows_time(rows, row, 1));
        json_put_time(item, "last", rows_time(rows, row, 2));
        return item;
}

/* What does not grow with every message, on the first page. */
static bool put_parts(OperationContext *context, const Person *person, Json *result, Failure *reterr_failure) {
        const struct {
                const char *name;
                Query query;
                Value who;
                RowMaker *make;
        } parts[] = {
                { "membership", QUERY_PERSON_MEMBERSHIP, value_text(person->jid), membership_item },
                { "subscriptions", QUERY_PERSON_SUBSCRIPTIONS, value_text(person->jid), subscription_item },
                { "grants", QUERY_PERSON_GRANTS, value_text(person->jid), grant_item },
                { "feedback", QUERY_PERSON_FEEDBACK, value_uuid(person->id), feedback_item },
                { "operations", QUERY_PERSON_OPERATIONS, value_uuid(person->id), operations_item },
        };
        for (size_t i = 0; i < COUNT_OF(parts); i++) {
                const Rows *rows;
                if (!context_run(context, parts[i].query, VALUES(parts[i].who), &rows, reterr_failure))
                        return false;
                Json *list = json_new_array();
                for (size_t row = 0; row < rows_count(rows); row++)
                        json_append(list, parts[i].make(rows, row));
                json_put(result, parts[i].name, list);
        }
        return true;
}

/* What a person says of himself belongs to no tenant: nobody else is given it. */
static bool put_profile(OperationContext *context, const Person *person, Json *result, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        Json *profile = json_new_object();
        json_put(result, "profile", profile);
        if (!person->self)
                return true;
        if (!transaction_begin(context->operations->database, DATABASE_TENANT, installation_tenant_id, &transaction,
                               reterr_failure) ||
            !transaction_run(transaction, QUERY_PROFILE_READ, VALUES(value_text(person->jid)), &rows, reterr_failure))
                return false;
        return rows_count(rows) == 0 || profile_put(context, rows, true, profile, reterr_failure);
}

static bool put_sealed(OperationContext *context, const Rows *rows, size_t row, int column, int key_column,
                       const char *table, const char *sealed_column, const char *name, Json *item,
                       Failure *reterr_failure) {
        Uuid id = rows_uuid(rows, row, 0);
        Text plain = TEXT_NONE;
        SealPlace place = { table, sealed_column, { (const char *) id.bytes, sizeof(id.bytes) } };
        if (!rows_is_null(rows, row, column) &&
            !keyring_unseal(context->operations->keyring, context->tenant_id, (int) rows_integer(rows, row, key_column),
                            place, rows_text(rows, row, column), context->arena, &plain, reterr_failure))
                return false;
        json_put_text_or_null(item, name, plain);
        return true;
}

static bool put_message(OperationContext *context, const Person *person, const Rows *rows, size_t row, Json *item,
                        Failure *reterr_failure) {
        json_put_uuid(item, "id", rows_uuid(rows, row, 0));
        json_put_text_or_null(item, "agent", rows_text(rows, row, 1));
        json_put_text(item, "status", rows_text(rows, row, 2));
        json_put_time(item, "created_at", rows_time(rows, row, 3));
        json_put_time(item, "concluded_at", rows_time(rows, row, 4));
        json_put_integer(item, "prompt_tokens", rows_integer(rows, row, 5));
        json_put_integer(item, "completion_tokens", rows_integer(rows, row, 6));
        json_put_integer(item, "cost_nano", rows_integer(rows, row, 7));
        return !person->self ||
               (put_sealed(context, rows, row, 9, 8, "accepted", "body", "input", item, reterr_failure) &&
                put_sealed(context, rows, row, 11, 10, "concluded", "answer", "output", item, reterr_failure) &&
                put_sealed(context, rows, row, 12, 10, "concluded", "explanation", "explanation", item,
                           reterr_failure));
}

static bool put_messages(OperationContext *context, const Input *input, const Person *person, Value after, Json *result,
                         Failure *reterr_failure) {
        size_t limit = (size_t) input_integer(input, "limit");
        const Rows *rows;
        if (!context_run(context, QUERY_PERSON_MESSAGES,
                         VALUES(value_uuid(person->id), after, value_integer((int64_t) limit + 1)), &rows,
                         reterr_failure))
                return false;
        bool has_more = rows_count(rows) > limit;
        Json *data = json_new_array();
        json_put(result, "data", data);
        for (size_t row = 0; row < rows_count(rows) && row < limit; row++) {
                Json *item = json_new_object();
                json_append(data, item);
                if (!put_message(context, person, rows, row, item, reterr_failure))
                        return false;
        }
        json_put_boolean(result, "has_more", has_more);
        json_put_uuid(result, "after", has_more ? rows_uuid(rows, limit - 1, 0) : (Uuid){ { 0 } });
        json_put_integer(context->facts, "messages", (int64_t) (has_more ? limit : rows_count(rows)));
        return true;
}

static bool export_person(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Person person;
        Value after;
        if (!person_find(context, input, &person, reterr_failure) || !list_after_id(input, &after, reterr_failure))
                return false;
        Json *result = *ret_result = json_new_object();
        json_put_text(result, "jid", person.jid);
        json_put_uuid(result, "person", person.id);
        json_put_boolean(result, "readable", person.self);
        json_put_uuid(context->facts, "person", person.id);
        return (after.type != VALUE_NULL || (put_parts(context, &person, result, reterr_failure) &&
                                             put_profile(context, &person, result, reterr_failure))) &&
               put_messages(context, input, &person, after, result, reterr_failure);
}

const Operation person_export = {
        .name = "person-export",
        .summary = "Gives you all that a tenant has of you: messages and answers, feedback, subscriptions, grants.",
        .example = "--jid carol@example.org --tenant acme --json",
        .role = ROLE_NONE,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/persons",
        .input = person_input,
        .shared = list_fields,
        .run = export_person,
};
