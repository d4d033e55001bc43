#include "orchestrator/operations/context.h"

static const Field list_input[] = {
        { "severity", FIELD_CHOICE, OPTIONAL, "Only of this severity.", .choices = "info|warning|critical" },
        { .type = FIELD_END },
};

/* By his messages that were accepted, or by the limit that answers the event. */
static Text who(OperationContext *context, const Rows *rows, size_t row) {
        Uuid person = rows_uuid(rows, row, 4);
        SealPlace place = { "persons", "jid", { (const char *) person.bytes, sizeof(person.bytes) } };
        Text jid;
        return !rows_is_null(rows, row, 13) && keyring_unseal(context->operations->keyring, context->tenant_id,
                                                              (int) rows_integer(rows, row, 12), place,
                                                              rows_text(rows, row, 13), context->arena, &jid, NULL)
                       ? jid
                       : rows_text(rows, row, 5);
}

static Json *event_item(OperationContext *context, const Rows *rows, size_t row) {
        Json *item = json_new_object(), *facts;
        json_put_uuid(item, "id", rows_uuid(rows, row, 0));
        json_put_time(item, "at", rows_time(rows, row, 1));
        json_put_text(item, "kind", rows_text(rows, row, 2));
        json_put_text(item, "severity", rows_text(rows, row, 3));
        json_put_text_or_null(item, "account", who(context, rows, row));
        json_put_uuid(item, "person", rows_uuid(rows, row, 4));
        json_put_text_or_null(item, "domain", rows_text(rows, row, 6));
        json_put_uuid(item, "agent", rows_uuid(rows, row, 7));
        json_put(item, "facts", json_parse(rows_text(rows, row, 8), 0, &facts, NULL) ? facts : json_new_null());
        json_put_time(item, "limited_until", rows_time(rows, row, 9));
        json_put_time(item, "lifted_at", rows_time(rows, row, 10));
        json_put_text(item, "hub", rows_text(rows, row, 11));
        return item;
}

static bool list_events(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        Value after;
        if (!list_after_id(input, &after, reterr_failure) ||
            !context_run(context, QUERY_SECURITY_EVENT_PAGE,
                         VALUES(after, value_text_or_null(input_text(input, "severity")),
                                value_integer(input_integer(input, "limit") + 1)),
                         &rows, reterr_failure))
                return false;
        *ret_result = list_result(context, input, rows, event_item, "id");
        return true;
}

const Operation security_list = {
        .name = "security-list",
        .summary = "Lists what was unusual, newest first: refusals again and again, of one or of many of a domain, far "
                   "more messages than on somebody's own usual days, domains that never wrote before; and how long who "
                   "it was is limited.",
        .example = "--severity warning --tenant acme",
        .role = ROLE_ADMIN,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/security",
        .input = list_input,
        .shared = list_fields,
        .columns = "id kind severity account domain at limited_until facts",
        .items = "security events",
        .run = list_events,
};
