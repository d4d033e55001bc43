#include "orchestrator/operations/agent.h"

static const Field list_input[] = {
        { "state", FIELD_CHOICE, OPTIONAL, "Only these; all but the deleted ones when absent.",
          .choices = "active|paused|deleted" },
        { "owner", FIELD_JID, OPTIONAL, "Only this person's." },
        { .type = FIELD_END },
};

static Json *agent_item(OperationContext *context, const Rows *rows, size_t row) {
        Json *item = json_new_object();
        json_put_text(item, "name", rows_text(rows, row, 0));
        json_put_text(item, "jid", agent_address(context, rows_text(rows, row, 0)));
        json_put_text(item, "state", rows_text(rows, row, 1));
        json_put_text(item, "visibility", rows_text(rows, row, 2));
        json_put_text(item, "owner", rows_text(rows, row, 3));
        json_put_text(item, "model", rows_text(rows, row, 4));
        json_put_text(item, "display_name", rows_text(rows, row, 5));
        json_put_integer(item, "version", rows_integer(rows, row, 6));
        json_put_time(item, "created_at", rows_time(rows, row, 7));
        return item;
}

static bool list_agents(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        if (!context_run(context, QUERY_AGENTS_LIST,
                         VALUES(value_uuid(context->account_id), value_boolean(context_sees_all(context)),
                                value_text(context->caller->principal), value_text(context->domain),
                                value_text(input_text(input, "after")),
                                value_integer(input_integer(input, "limit") + 1),
                                value_text_or_null(input_text(input, "state")),
                                value_text_or_null(input_text(input, "owner"))),
                         &rows, reterr_failure))
                return false;
        *ret_result = list_result(context, input, rows, agent_item, "name");
        return true;
}

const Operation agent_list = {
        .name = "agent-list",
        .summary = "Lists the tenant's agents: your own and those you may talk to; admins see all.",
        .example = "--state paused --tenant acme",
        .role = ROLE_VIEWER,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/agents",
        .input = list_input,
        .shared = list_fields,
        .columns = "name state visibility owner model jid",
        .items = "agents",
        .run = list_agents,
};
