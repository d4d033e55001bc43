#include "base/nearest.h"
#include "orchestrator/governance/events.h"
#include "orchestrator/operations/context.h"

#include <stdio.h>

static const Field list_input[] = {
        { "type", FIELD_TEXT, OPTIONAL,
          "Only records of this type, or of types that begin so: message.refused, security., operation.agent-; an "
          "operation's is 'operation.' and its name.",
          .most = 100 },
        { "severity", FIELD_CHOICE, OPTIONAL, "Only of this severity.", .choices = "info|warning|critical" },
        { "since", FIELD_TIME, OPTIONAL, "Not older than this." },
        { .type = FIELD_END },
};

/* Types stand in one table, and of operations in the catalogue. */
static const char *type_at(size_t index, char room[static 80]) {
        size_t events = 0;
        while (event_types[events].type)
                events++;
        if (index < events)
                return event_types[index].type;
        for (size_t i = 0; operation_catalogue[i]; i++)
                if (i == index - events) {
                        snprintf(room, 80, "operation.%s", operation_catalogue[i]->name);
                        return room;
                }
        return NULL;
}

/* "audit., budget., message.": the table is in order. */
static void add_families(TextBuilder *builder) {
        Text before = TEXT_NONE, family;
        for (const EventType *event = event_types; event->type; event++) {
                Text rest = text_of(event->type);
                text_split(&rest, '.', &family);
                if (!text_equal(family, before))
                        text_add_format(builder, "%s%.*s.", before.length ? ", " : "", TEXT_ARGUMENTS(family));
                before = family;
        }
}

/* What nothing can be of finds nothing, which would read as if nothing had happened. */
static bool check_type(OperationContext *context, Text wanted, Failure *reterr_failure) {
        _cleanup_(text_builder_release) TextBuilder families = text_builder(0);
        Nearest nearest = nearest_to(wanted);
        char room[80], hint[NEAREST_HINT_SIZE];
        const char *type;
        for (size_t i = 0; (type = type_at(i, room)); i++) {
                if (text_starts_with(text_of(type), wanted))
                        return true;
                nearest_offer(&nearest, text_copy(context->arena, text_of(type)));
        }
        add_families(&families);
        nearest_hint(&nearest, hint);
        return failure_set(reterr_failure, FAILURE_INVALID, "'type': no record's type begins so%s%s",
                           *hint ? hint : "; they begin with one of ", *hint ? "" : families.bytes);
}

static Json *record_item(OperationContext *context, const Rows *rows, size_t row) {
        (void) context;
        Json *item = json_new_object(), *facts;
        json_put_time(item, "at", rows_time(rows, row, 1));
        json_put_text(item, "type", rows_text(rows, row, 3));
        json_put_text(item, "severity", rows_text(rows, row, 4));
        json_put_uuid(item, "message", rows_uuid(rows, row, 5));
        json_put_uuid(item, "agent", rows_uuid(rows, row, 6));
        json_put_uuid(item, "person", rows_uuid(rows, row, 7));
        json_put(item, "facts", json_parse(rows_text(rows, row, 8), 0, &facts, NULL) ? facts : json_new_null());
        json_put_text(item, "hub", rows_text(rows, row, 2));
        json_put_integer(item, "position", rows_integer(rows, row, 9));
        json_put_text(item, "cursor", rows_text(rows, row, 0));
        return item;
}

static bool list_audit(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        Value after;
        if (!check_type(context, input_text(input, "type"), reterr_failure) ||
            !list_after_record(input, &after, reterr_failure) ||
            !context_run(context, QUERY_AUDIT_PAGE,
                         VALUES(after, value_text_or_null(input_text(input, "type")),
                                input_has(input, "since") ? value_time(input_integer(input, "since")) : value_null(),
                                value_text_or_null(input_text(input, "severity")),
                                value_integer(input_integer(input, "limit") + 1)),
                         &rows, reterr_failure))
                return false;
        *ret_result = list_result(context, input, rows, record_item, "cursor");
        return true;
}

const Operation audit_list = {
        .name = "audit-list",
        .summary = "Lists what was decided and done, newest first; people stand in it as ids.",
        .example = "--type message.refused --since 2026-01-01T00:00:00Z --tenant acme",
        .role = ROLE_ADMIN,
        .outlives_tenant = true,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/audit",
        .input = list_input,
        .shared = list_fields,
        .columns = "at type severity hub position facts",
        .items = "records",
        .run = list_audit,
};
