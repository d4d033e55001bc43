#include "orchestrator/operations/agent.h"

static Json *document_item(OperationContext *context, const Rows *rows, size_t row) {
        (void) context;
        Json *item = json_new_object();
        json_put_text(item, "name", rows_text(rows, row, 0));
        json_put_text(item, "source", rows_text(rows, row, 1));
        json_put_text(item, "format", rows_text(rows, row, 2));
        json_put_text(item, "language", rows_text(rows, row, 3));
        json_put_integer(item, "bytes", rows_integer(rows, row, 4));
        json_put_integer(item, "passages", rows_integer(rows, row, 6));
        json_put_time(item, "created_at", rows_time(rows, row, 5));
        return item;
}

static bool list_knowledge(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        if (!context_run(context, QUERY_DOCUMENTS_LIST,
                         VALUES(value_uuid(context->agent.id), value_text(input_text(input, "after")),
                                value_integer(input_integer(input, "limit") + 1)),
                         &rows, reterr_failure))
                return false;
        *ret_result = list_result(context, input, rows, document_item, "name");
        return true;
}

const Operation knowledge_list = {
        .name = "knowledge-list",
        .summary = "Lists the documents an agent answers from.",
        .example = "support --tenant acme",
        .role = ROLE_OPERATOR,
        .own_agent = true,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/agents/{agent}/knowledge",
        .input = agent_input,
        .shared = list_fields,
        .columns = "name format language bytes passages created_at",
        .items = "documents",
        .run = list_knowledge,
};
