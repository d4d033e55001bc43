#include "orchestrator/governance/standards.h"
#include "orchestrator/operations/context.h"

#define DEFAULT_PERIOD_US (30 * 86400 * SECONDS)

static const Field report_input[] = {
        { "standard", FIELD_NAME, OPTIONAL, "Whose sections the report has: gdpr, or one of `standards_file`.",
          .fallback = "gdpr" },
        { "since", FIELD_TIME, OPTIONAL, "When the period begins; thirty days before its end when absent." },
        { "until", FIELD_TIME, OPTIONAL, "When it ends; now when absent." },
        { "format", FIELD_CHOICE, OPTIONAL, "For people, or for programs.", .choices = "markdown|json",
          .fallback = "markdown" },
        { .type = FIELD_END },
};

static const Query queries[EVIDENCE_COUNT] = {
        [EVIDENCE_ACCESS] = QUERY_COMPLIANCE_ACCESS,         [EVIDENCE_PURPOSES] = QUERY_COMPLIANCE_PURPOSES,
        [EVIDENCE_POLICIES] = QUERY_COMPLIANCE_POLICIES,     [EVIDENCE_PERSONS] = QUERY_COMPLIANCE_PERSONS,
        [EVIDENCE_VIOLATIONS] = QUERY_COMPLIANCE_VIOLATIONS, [EVIDENCE_EXPORTS] = QUERY_COMPLIANCE_EXPORTS,
        [EVIDENCE_DELETIONS] = QUERY_COMPLIANCE_DELETIONS,
};

static Json *evidence_json(const Rows *rows) {
        Json *items = json_new_array();
        for (size_t i = 0; i < rows_count(rows); i++) {
                Json *item = json_new_object();
                json_put_text(item, "item", rows_text(rows, i, 0));
                json_put_text(item, "detail", rows_text(rows, i, 1));
                json_put_time(item, "since", rows_time(rows, i, 2));
                json_put_time(item, "until", rows_time(rows, i, 3));
                json_append(items, item);
        }
        return items;
}

/* A cell of a table in Markdown: one line, in which nothing ends it. */
static void add_cell(TextBuilder *builder, Text text) {
        text_add_string(builder, "| ");
        for (size_t i = 0; i < text.length; i++) {
                if (text.bytes[i] == '|' || text.bytes[i] == '\\')
                        text_add_char(builder, '\\');
                text_add_char(builder, text.bytes[i] == '\n' || text.bytes[i] == '\r' ? ' ' : text.bytes[i]);
        }
        text_add_char(builder, ' ');
}

static void add_section(TextBuilder *builder, const Json *section, Text heading) {
        const Json *items = json_member(section, "evidence");
        Text note = json_to_text(json_member(section, "note"));
        text_add_format(builder, "\n## %.*s%s%.*s: %.*s\n\n", TEXT_ARGUMENTS(heading), heading.length ? " " : "",
                        TEXT_ARGUMENTS(json_to_text(json_member(section, "number"))),
                        TEXT_ARGUMENTS(json_to_text(json_member(section, "title"))));
        if (note.length)
                text_add_format(builder, "%.*s\n\n", TEXT_ARGUMENTS(note));
        text_add_string(builder,
                        json_count(items) ? "| what | | since | until |\n| --- | --- | --- | --- |\n" : "Nothing.\n");
        for (size_t i = 0; i < json_count(items); i++) {
                static const char *const cells[] = { "item", "detail", "since", "until" };
                for (size_t k = 0; k < COUNT_OF(cells); k++)
                        add_cell(builder, json_to_text(json_member(json_item(items, i), cells[k])));
                text_add_string(builder, "|\n");
        }
}

static Json *as_markdown(const Json *report, Text heading) {
        TextBuilder builder = text_builder(0);
        const Json *sections = json_member(report, "sections");
        Text tenant = json_to_text(json_member(report, "tenant")); /* the installation's own has none */
        text_add_format(&builder, "# %.*s\n\n%s%.*s, from %.*s until %.*s.\n",
                        TEXT_ARGUMENTS(json_to_text(json_member(report, "title"))),
                        tenant.length > 0 ? "Tenant " : "The installation", TEXT_ARGUMENTS(tenant),
                        TEXT_ARGUMENTS(json_to_text(json_member(report, "since"))),
                        TEXT_ARGUMENTS(json_to_text(json_member(report, "until"))));
        for (size_t i = 0; i < json_count(sections); i++)
                add_section(&builder, json_item(sections, i), heading);
        Json *result = json_new_object();
        json_put_text(result, "text", text_built(&builder));
        text_builder_release(&builder);
        return result;
}

static bool report_section(OperationContext *context, const StandardSection *section, int64_t since_us,
                           int64_t until_us, Json *sections, Failure *reterr_failure) {
        const Rows *rows;
        if (!context_run(context, queries[section->evidence], VALUES(value_time(since_us), value_time(until_us)), &rows,
                         reterr_failure))
                return false;
        Json *item = json_new_object();
        json_put_string(item, "number", section->number);
        json_put_string(item, "title", section->title);
        json_put_text_or_null(item, "note", text_of(section->note));
        json_put(item, "evidence", evidence_json(rows));
        json_append(sections, item);
        return true;
}

static bool report(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Hub *hub = context->operations->hub;
        const Standard *standard;
        if (!standard_find(hub->standards(hub), input_text(input, "standard"), &standard, reterr_failure))
                return failure_prefix(reterr_failure, "'standard'");
        int64_t until_us = input_has(input, "until") ? input_integer(input, "until") : context->now.wall_us;
        int64_t since_us = input_has(input, "since") ? input_integer(input, "since") : until_us - DEFAULT_PERIOD_US;
        _cleanup_(json_freep) Json *made = json_new_object();
        Json *sections = json_new_array();
        if (since_us >= until_us) {
                json_free(sections);
                return failure_set(reterr_failure, FAILURE_INVALID, "'since' must be before 'until'");
        }
        json_put_string(made, "standard", standard->name);
        json_put_string(made, "title", standard->title);
        json_put_text(made, "tenant", context->slug);
        json_put_time(made, "since", since_us);
        json_put_time(made, "until", until_us);
        json_put(made, "sections", sections);
        for (size_t i = 0; i < standard->section_count; i++)
                if (!report_section(context, &standard->sections[i], since_us, until_us, sections, reterr_failure))
                        return false;
        json_put_string(context->facts, "standard", standard->name);
        *ret_result = input_choice(input, "format") == 0 ? as_markdown(made, text_of(standard->heading))
                                                         : json_clone(made);
        return true;
}

const Operation compliance_report = {
        .name = "compliance-report",
        .summary =
                "Gathers what a standard asks to be shown for a period: who had access to what, purposes, policies in "
                "force, violations, exports, deletions.",
        .example = "--since 2026-01-01T00:00:00Z --until 2026-04-01T00:00:00Z --tenant acme",
        .role = ROLE_ADMIN,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/compliance",
        .input = report_input,
        .prints = "text",
        .run = report,
};
