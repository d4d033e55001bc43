#include "orchestrator/operations/context.h"
#include "orchestrator/operations/csv.h"

#include <stdio.h>

/* A page holds at most this much text, whatever its limit. */
#define PAGE_BYTES ((size_t) 4 * 1024 * 1024)

static const Field export_input[] = {
        { "format", FIELD_CHOICE, OPTIONAL, "JSON Lines or comma-separated values.", .choices = "jsonl|csv",
          .fallback = "jsonl" },
        { "since", FIELD_TIME, OPTIONAL, "Not older than this; without it each chain begins at its first record." },
        { "limit", FIELD_INTEGER, OPTIONAL, "How many records at most.", .fallback = "1000", .least = 1, .most = 5000 },
        { "after", FIELD_TEXT, OPTIONAL, "Where the page before ended: its `after`.", .most = 100 },
        { .type = FIELD_END },
};

/* Columns of the query, as the export names them. */
static const char *const names[] = { "hub",     "position", "at_us",  "type",  "severity",
                                     "message", "agent",    "person", "facts", "hash" };
enum { HUB, POSITION, AT, TYPE, SEVERITY, MESSAGE, AGENT, PERSON, FACTS, HASH };

static Text hex_of(OperationContext *context, Text bytes) {
        TextBuilder builder = text_builder(0);
        text_add_hex(&builder, (const uint8_t *) bytes.bytes, bytes.length);
        Text hex = text_copy(context->arena, text_built(&builder));
        text_builder_release(&builder);
        return hex;
}

/* What is hashed, member for member: facts as the text that they are. */
static void add_json(OperationContext *context, const Rows *rows, size_t row, TextBuilder *builder) {
        _cleanup_(json_freep) Json *item = json_new_object();
        _cleanup_(arena_freep) Arena *arena = arena_new(1024 * 1024);
        Text line;
        json_put_text(item, names[HUB], rows_text(rows, row, HUB));
        json_put_integer(item, names[POSITION], rows_integer(rows, row, POSITION));
        json_put_integer(item, names[AT], rows_time(rows, row, AT));
        json_put_text(item, names[TYPE], rows_text(rows, row, TYPE));
        json_put_text(item, names[SEVERITY], rows_text(rows, row, SEVERITY));
        for (int column = MESSAGE; column <= PERSON; column++)
                json_put_uuid(item, names[column], rows_uuid(rows, row, column));
        json_put_text(item, names[FACTS], rows_text(rows, row, FACTS));
        json_put_text(item, names[HASH], hex_of(context, rows_text(rows, row, HASH)));
        json_put_uuid(item, "tenant", context->tenant_id);
        if (json_canonical(item, arena, &line))
                text_add(builder, line);
        text_add_char(builder, '\n');
}

static void add_csv(OperationContext *context, const Rows *rows, size_t row, TextBuilder *builder) {
        char id[UUID_STRING_SIZE];
        uuid_format(context->tenant_id, id);
        csv_add(builder, text_of(id), false);
        for (int column = HUB; column <= HASH; column++) {
                text_add_char(builder, ',');
                if (column == POSITION)
                        text_add_format(builder, "%lld", (long long) rows_integer(rows, row, column));
                else if (column == AT)
                        text_add_format(builder, "%lld", (long long) rows_time(rows, row, column));
                else if (column >= MESSAGE && column <= PERSON) {
                        uuid_format(rows_uuid(rows, row, column), id);
                        if (!rows_is_null(rows, row, column))
                                text_add_string(builder, id);
                } else
                        csv_add(builder,
                                column == HASH ? hex_of(context, rows_text(rows, row, column))
                                               : rows_text(rows, row, column),
                                false);
        }
        text_add_char(builder, '\n');
}

static void add_head(TextBuilder *builder) {
        text_add_string(builder, "tenant");
        for (size_t i = 0; i < COUNT_OF(names); i++)
                text_add_format(builder, ",%s", names[i]);
        text_add_char(builder, '\n');
}

/* "hub's number.position", as it was given out. */
static bool read_after(Text after, int64_t *ret_hub, int64_t *ret_position, Failure *reterr_failure) {
        Text rest = after, hub;
        *ret_hub = *ret_position = 0;
        if (after.length == 0)
                return true;
        return (text_split(&rest, '.', &hub) && text_to_int64(hub, ret_hub) && *ret_hub >= 0 && *ret_hub <= INT16_MAX &&
                text_to_int64(rest, ret_position) && *ret_position >= 0) ||
               failure_set(reterr_failure, FAILURE_INVALID, "'after' must be `after` of the page before");
}

static bool export_audit(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        int64_t hub, position, limit = input_integer(input, "limit");
        bool csv = text_equal(input_text(input, "format"), TEXT("csv"));
        TextBuilder builder = text_builder(2 * PAGE_BYTES);
        char after[48] = "";
        const Rows *rows;
        size_t row = 0;
        if (!read_after(input_text(input, "after"), &hub, &position, reterr_failure) ||
            !context_run(context, QUERY_AUDIT_EXPORT,
                         VALUES(value_integer(hub), value_integer(position),
                                input_has(input, "since") ? value_time(input_integer(input, "since")) : value_null(),
                                value_integer(limit + 1)),
                         &rows, reterr_failure))
                return false;
        if (csv && hub == 0 && position == 0)
                add_head(&builder);
        for (; row < rows_count(rows) && row < (size_t) limit && builder.length < PAGE_BYTES; row++) {
                (csv ? add_csv : add_json)(context, rows, row, &builder);
                snprintf(after, sizeof(after), "%lld.%lld", (long long) rows_integer(rows, row, HASH + 1),
                         (long long) rows_integer(rows, row, POSITION));
        }
        bool more = row < rows_count(rows);
        Json *result = *ret_result = json_new_object();
        json_put_text(result, "text", text_built(&builder));
        json_put_integer(result, "records", (int64_t) row);
        json_put_boolean(result, "has_more", more);
        json_put_string(result, "after", more ? after : NULL);
        text_builder_release(&builder);
        json_put_integer(context->facts, "records", (int64_t) row);
        return true;
}

const Operation audit_export = {
        .name = "audit-export",
        .summary = "Gives the audit's records chain by chain with their hashes, to be kept or verified elsewhere.",
        .example = "--format csv --tenant acme",
        .role = ROLE_ADMIN,
        .outlives_tenant = true,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/audit/export",
        .input = export_input,
        .prints = "text",
        .run = export_audit,
};
