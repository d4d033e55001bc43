#include "orchestrator/operations/context.h"

#include "base/log.h"
#include "base/money.h"

#include <assert.h>
#include <stdio.h>

Uuid context_id(OperationContext *context) {
        static _Thread_local UuidGenerator generator;
        return uuid_make(&generator, context->now.wall_us);
}

bool context_run(OperationContext *context, Query query, const Value *values, size_t count, const Rows **ret_rows,
                 Failure *reterr_failure) {
        return transaction_run(context->transaction, query, values, count, ret_rows, reterr_failure);
}

bool context_ask_directory(OperationContext *context, Query query, const Value *values, size_t count,
                           Transaction **ret_transaction, const Rows **ret_rows, Failure *reterr_failure) {
        return transaction_begin(context->operations->database, DATABASE_DIRECTORY, (Uuid){ 0 }, ret_transaction,
                                 reterr_failure) &&
               transaction_run(*ret_transaction, query, values, count, ret_rows, reterr_failure);
}

void context_announce(OperationContext *context, DirectoryChange change) {
        if (context->change_count == context->change_capacity) {
                context->change_capacity = context->change_capacity ? 2 * context->change_capacity : 8;
                context->changes = memory_resize(context->changes,
                                                 context->change_capacity * sizeof(*context->changes));
        }
        context->changes[context->change_count++] = change;
}

void context_tell(OperationContext *context, Text who, const char *kind, Text text) {
        Word *word = arena_take_array(context->arena, Word, 1);
        if (!word)
                return; /* the operation has used up its memory, and says so itself */
        *word = (Word){ .next = context->words,
                        .kind = kind,
                        .who = text_copy(context->arena, who),
                        .text = text_copy(context->arena, text) };
        context->words = word;
}

bool context_announce_agent(OperationContext *context, Uuid agent_id, Failure *reterr_failure) {
        const Rows *rows;
        if (!context_run(context, QUERY_AGENT_DIRECTORY, VALUES(value_uuid(agent_id)), &rows, reterr_failure))
                return false;
        assert(rows_count(rows) == 1);
        DirectoryChange change = {
                .kind = DIRECTORY_AGENT,
                .id = rows_uuid(rows, 0, 0),
                .tenant_id = rows_uuid(rows, 0, 1),
                .name = rows_text(rows, 0, 2),
                .version_id = rows_uuid(rows, 0, 3),
                .owner_id = rows_uuid(rows, 0, 4),
                .owner = rows_text(rows, 0, 5),
                .pause_reason = rows_text(rows, 0, 8),
                .description = rows_text(rows, 0, 12),
                .display_name = rows_text(rows, 0, 13),
                .policy = rows_text(rows, 0, 14),
                .model = rows_text(rows, 0, 15),
                .priced = rows_boolean(rows, 0, 9),
                .priority = rows_real(rows, 0, 11),
        };
        if (!visibility_from_name(rows_text(rows, 0, 6), &change.visibility) ||
            !agent_state_from_name(rows_text(rows, 0, 7), &change.state))
                return failure_set(reterr_failure, FAILURE_INTERNAL,
                                   "the agent's row holds a name this program does not know");
        Text hash = rows_text(rows, 0, 10);
        assert(hash.length == sizeof(change.policy_hash));
        memcpy(change.policy_hash, hash.bytes, hash.length);
        change.gone = change.state == AGENT_DELETED;
        context_announce(context, change);
        return true;
}

bool context_sees_all(const OperationContext *context) {
        return context->role >= ROLE_ADMIN;
}

/* At once: the account is there whatever becomes of the operation, and the next one that needs it finds it made. */
static void announce_account(OperationContext *context, Uuid id, Text jid) {
        DirectoryChange change = { .kind = DIRECTORY_ACCOUNT, .id = id, .name = jid };
        Hub *hub = context->operations->hub;
        Failure failure;
        if (!hub->announce(hub, &change, 1, &failure))
                log_warning("a new account reaches the hub's directory late", "failure", LOG_STRING, failure.text);
}

bool account_ensure(OperationContext *context, Text jid, Uuid *ret_account_id, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *write = NULL;
        _cleanup_(transaction_endp) Transaction *read = NULL;
        const Rows *rows, *found;
        Uuid id = context_id(context);
        if (!transaction_begin(context->operations->database, DATABASE_TENANT, installation_tenant_id, &write,
                               reterr_failure) ||
            !transaction_run(write, QUERY_ACCOUNT_ENSURE, VALUES(value_uuid(id), value_text(jid)), &rows,
                             reterr_failure) ||
            !transaction_commit(write, reterr_failure) ||
            !context_ask_directory(context, QUERY_CALLER_ACCOUNT, VALUES(value_text(jid)), &read, &found,
                                   reterr_failure))
                return false;
        assert(rows_count(found) == 1);
        *ret_account_id = rows_uuid(found, 0, 0);
        if (rows_changed(rows) > 0)
                announce_account(context, *ret_account_id, jid);
        return true;
}

bool context_serves(const OperationContext *context, Text domain) {
        Text domains = text_of(context->operations->hub->domains), ours;
        while (text_split(&domains, ' ', &ours))
                if (text_equal(ours, domain))
                        return true;
        return false;
}

bool context_is_person(const OperationContext *context) {
        return context->domain.length > 0 && !context_serves(context, context->domain);
}

Text context_agent_domain(const OperationContext *context, Text named) {
        Text domains = text_of(context->operations->hub->domains), domain = named, local;
        if (named.length > 0 && memchr(named.bytes, '@', named.length))
                text_split(&domain, '@', &local);
        else
                text_split(&domains, ' ', &domain);
        return domain;
}

Text agent_address(OperationContext *context, Text name) {
        Text domain = context_agent_domain(context, TEXT_NONE);
        TextBuilder builder = text_builder(JID_LIMIT);
        text_add(&builder, name);
        if (!uuid_equal(context->tenant_id, context->operations->hub->installation))
                text_add_format(&builder, ".%.*s", TEXT_ARGUMENTS(context->slug));
        text_add_format(&builder, "@%.*s", TEXT_ARGUMENTS(domain));
        Text address = text_copy(context->arena, text_built(&builder));
        text_builder_release(&builder);
        return address;
}

void json_put_uuid(Json *object, const char *name, Uuid uuid) {
        char string[UUID_STRING_SIZE];
        uuid_format(uuid, string);
        json_put_string(object, name, uuid_is_zero(uuid) ? NULL : string);
}

void json_put_time(Json *object, const char *name, int64_t wall_us) {
        char string[CLOCK_STRING_SIZE];
        clock_format(wall_us, string);
        json_put_string(object, name, wall_us == 0 ? NULL : string);
}

void json_put_text_or_null(Json *object, const char *name, Text text) {
        if (text.length > 0)
                json_put_text(object, name, text);
        else
                json_put(object, name, json_new_null());
}

void json_put_money(Json *object, const char *name, const OperationContext *context, int64_t nano) {
        char money[MONEY_SIZE], shown[MONEY_SIZE + 20];
        const char *currency = context->operations->hub->currency;
        money_format(nano, money);
        snprintf(shown, sizeof(shown), "%s %.16s", money, currency ? currency : "EUR");
        json_put_string(object, name, shown);
}

Json *list_result(OperationContext *context, const Input *input, const Rows *rows, ItemMaker *make,
                  const char *cursor) {
        size_t limit = (size_t) input_integer(input, "limit"), count = rows_count(rows);
        bool has_more = count > limit;
        Json *result = json_new_object(), *data = json_new_array();
        Text after = TEXT_NONE;
        for (size_t row = 0; row < count && row < limit; row++) {
                Json *item = make(context, rows, row);
                after = json_to_text(json_member(item, cursor));
                json_append(data, item);
        }
        json_put_boolean(result, "has_more", has_more);
        json_put_text_or_null(result, "after", has_more ? after : TEXT_NONE);
        json_put(result, "data", data);
        return result;
}

bool list_after_id(const Input *input, Value *ret_after, Failure *reterr_failure) {
        Uuid after;
        *ret_after = value_null();
        if (input_text(input, "after").length == 0)
                return true;
        if (!uuid_parse(input_text(input, "after"), &after))
                return failure_set(reterr_failure, FAILURE_INVALID, "'after' must be what an answer gave as `after`");
        *ret_after = value_uuid(after);
        return true;
}

static bool is_record_cursor(Text text) {
        Text part;
        int64_t number;
        int parts = 0;
        while (text_split(&text, '.', &part))
                if (++parts > 3 || !text_to_int64(part, &number) || number < 0 || (parts == 2 && number > INT16_MAX))
                        return false;
        return parts == 3;
}

bool list_after_record(const Input *input, Value *ret_after, Failure *reterr_failure) {
        Text after = input_text(input, "after");
        *ret_after = value_text(after);
        return after.length == 0 || is_record_cursor(after) ||
               failure_set(reterr_failure, FAILURE_INVALID, "'after' must be what an answer gave as `after`");
}
