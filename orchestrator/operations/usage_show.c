#include "orchestrator/operations/usage.h"

static const Field show_input[] = {
        USAGE_PERIOD_FIELDS,
        { "group", FIELD_CHOICE, OPTIONAL, "What a row is of.", .choices = "day|account|agent|model",
          .fallback = "day" },
        { "agent", FIELD_AGENT, OPTIONAL, "Only of this agent." },
        { "account", FIELD_JID, OPTIONAL, "Only of this person." },
        { .type = FIELD_END },
};

static Json *group_item(OperationContext *context, const Rows *rows, size_t row) {
        Json *item = json_new_object();
        Text key = rows_text(rows, row, 0);
        json_put_text(item, "id", key);
        json_put_text(item, "name", rows_text(rows, row, 1).length > 0 ? rows_text(rows, row, 1) : key);
        usage_put_counts(context, item, rows, row, 2);
        return item;
}

/* What belongs to no agent or to nobody has no name; of people, members have one. */
static bool name_rows(OperationContext *context, const char *group, Json *result, Failure *reterr_failure) {
        Json *data = json_member(result, "data");
        UsagePeople *people = NULL;
        Uuid id;
        bool of_people = strcmp(group, "account") == 0;
        if (of_people && !usage_people(context, &people, reterr_failure))
                return false;
        for (size_t i = 0; i < json_count(data); i++) {
                Json *item = json_item(data, i);
                if (!uuid_parse(json_to_text(json_member(item, "id")), &id))
                        continue;
                Text jid = of_people ? usage_person(people, id) : TEXT_NONE;
                if (uuid_is_zero(id))
                        json_put_string(item, "name", "-");
                else if (jid.length > 0)
                        json_put_text(item, "name", jid);
        }
        return true;
}

static bool ask_groups(OperationContext *context, const UsageQuestion *question, const char *group, Text after,
                       int64_t limit, const Rows **ret_rows, Failure *reterr_failure) {
        return context_run(context, QUERY_USAGE_GROUPS,
                           VALUES(value_text(question->from), value_text(question->to), question->person,
                                  question->agent, value_string(group), value_text(after), value_integer(limit)),
                           ret_rows, reterr_failure);
}

static bool show_usage(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        UsageQuestion question;
        const Rows *rows, *sum;
        const char *group = text_string(context->arena, input_text(input, "group"));
        if (!usage_question(context, input, &question, reterr_failure) ||
            !ask_groups(context, &question, group, input_text(input, "after"), input_integer(input, "limit") + 1, &rows,
                        reterr_failure) ||
            !ask_groups(context, &question, "all", TEXT_NONE, 1, &sum, reterr_failure))
                return false;
        Json *result = *ret_result = list_result(context, input, rows, group_item, "id");
        if (rows_count(sum) > 0) {
                Json *total = json_new_object();
                json_put_string(total, "name", "total");
                usage_put_counts(context, total, sum, 0, 2);
                json_put(result, "total", total);
        }
        json_put_text(result, "from", question.from);
        json_put_text(result, "to", question.to);
        json_put_text(result, "zone", question.zone);
        return name_rows(context, group, result, reterr_failure);
}

const Operation usage_show = {
        .name = "usage-show",
        .summary = "Shows what was used and what it costs: the tenant's for its admins, an agent's for its owner, "
                   "everybody's own for everybody else.",
        .example = "--period previous --group agent --tenant acme",
        .role = ROLE_VIEWER,
        .alone = true,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/usage",
        .input = show_input,
        .shared = list_fields,
        .columns = "name messages prompt_tokens completion_tokens cached_tokens cost",
        .items = "use",
        .run = show_usage,
};
