#include "orchestrator/operations/csv.h"
#include "orchestrator/operations/usage.h"

#define ROWS_LIMIT 20000

static const Field export_input[] = {
        USAGE_PERIOD_FIELDS,
        { "format", FIELD_CHOICE, OPTIONAL, "Comma-separated values with a head line, or an object a line.",
          .choices = "csv|jsonl", .fallback = "csv" },
        { "agent", FIELD_AGENT, OPTIONAL, "Only of this agent." },
        { "account", FIELD_JID, OPTIONAL, "Only of this person." },
        { .type = FIELD_END },
};

static const struct {
        const char *name;
        int column; /* of usage_rows; of a number */
} numbers[] = { { "messages", 4 },      { "model_calls", 5 },       { "tool_runs", 6 },      { "api_calls", 7 },
                { "prompt_tokens", 8 }, { "completion_tokens", 9 }, { "cached_tokens", 10 }, { "compute_us", 11 },
                { "byte_hours", 12 },   { "cost_nano", 13 } };

static void add_cell(TextBuilder *builder, Text text) {
        csv_add(builder, text, true);
        text_add_char(builder, ',');
}

static void add_csv_head(TextBuilder *builder) {
        text_add_string(builder, "day,account,jid,agent,model,");
        for (size_t i = 0; i < COUNT_OF(numbers); i++)
                text_add_format(builder, "%s%s", numbers[i].name, i + 1 < COUNT_OF(numbers) ? "," : ",currency\r\n");
}

typedef struct Line {
        Text day, jid, agent, model, currency;
        char person[UUID_STRING_SIZE]; /* empty: nobody in particular */
        const Rows *rows;
        size_t row;
} Line;

static void add_csv(TextBuilder *builder, const Line *line) {
        text_add_format(builder, "%.*s,%s,", TEXT_ARGUMENTS(line->day), line->person);
        add_cell(builder, line->jid);
        add_cell(builder, line->agent);
        add_cell(builder, line->model);
        for (size_t i = 0; i < COUNT_OF(numbers); i++)
                text_add_format(builder, "%lld,", (long long) rows_integer(line->rows, line->row, numbers[i].column));
        text_add_format(builder, "%.*s\r\n", TEXT_ARGUMENTS(line->currency));
}

static void add_json(TextBuilder *builder, const Line *line, Arena *arena) {
        _cleanup_(json_freep) Json *object = json_new_object();
        Text text;
        json_put_text(object, "day", line->day);
        json_put_text_or_null(object, "account", text_of(line->person));
        json_put_text_or_null(object, "jid", line->jid);
        json_put_text_or_null(object, "agent", line->agent);
        json_put_text_or_null(object, "model", line->model);
        for (size_t i = 0; i < COUNT_OF(numbers); i++)
                json_put_integer(object, numbers[i].name, rows_integer(line->rows, line->row, numbers[i].column));
        json_put_text(object, "currency", line->currency);
        if (json_canonical(object, arena, &text)) {
                text_add(builder, text);
                text_add_char(builder, '\n');
        }
}

static Line read_line(OperationContext *context, const Rows *rows, size_t row, const UsagePeople *people) {
        const char *currency = context->operations->hub->currency;
        Uuid person = rows_uuid(rows, row, 1);
        Line line = { .day = rows_text(rows, row, 0),
                      .jid = usage_person(people, person),
                      .agent = rows_text(rows, row, 2),
                      .model = rows_text(rows, row, 3),
                      .currency = text_of(currency ? currency : "EUR"),
                      .rows = rows,
                      .row = row };
        if (!uuid_is_zero(person))
                uuid_format(person, line.person);
        return line;
}

static void write_lines(OperationContext *context, const Rows *rows, const UsagePeople *people, bool csv,
                        TextBuilder *builder) {
        if (csv)
                add_csv_head(builder);
        for (size_t row = 0; row < rows_count(rows); row++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                Line line = read_line(context, rows, row, people);
                if (csv)
                        add_csv(builder, &line);
                else
                        add_json(builder, &line, arena);
        }
}

static bool export_usage(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        UsageQuestion question;
        UsagePeople *people;
        const Rows *rows;
        bool csv = text_equal(input_text(input, "format"), TEXT("csv"));
        if (!usage_question(context, input, &question, reterr_failure) ||
            !usage_people(context, &people, reterr_failure) ||
            !context_run(context, QUERY_USAGE_ROWS,
                         VALUES(value_text(question.from), value_text(question.to), question.person, question.agent,
                                value_integer(ROWS_LIMIT + 1)),
                         &rows, reterr_failure))
                return false;
        if (rows_count(rows) > ROWS_LIMIT)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE,
                                   "that is more than %d rows: ask for fewer days at a time", ROWS_LIMIT);
        TextBuilder builder = text_builder(0);
        write_lines(context, rows, people, csv, &builder);
        json_put_integer(context->facts, "rows", (int64_t) rows_count(rows));
        Json *result = *ret_result = json_new_object();
        json_put_text(result, "from", question.from);
        json_put_text(result, "to", question.to);
        json_put_string(result, "media_type", csv ? "text/csv" : "application/jsonl");
        json_put_text(result, "content", text_built(&builder));
        text_builder_release(&builder);
        return true;
}

const Operation usage_export = {
        .name = "usage-export",
        .summary = "Writes out what was used, a row for each day, person, agent and model; for whom as in usage-show.",
        .example = "--from 2026-01-01 --to 2026-01-31 --format csv --tenant acme",
        .role = ROLE_VIEWER,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/usage/export",
        .input = export_input,
        .prints = "content",
        .run = export_usage,
};
