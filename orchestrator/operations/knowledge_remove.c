#include "orchestrator/operations/agent.h"

static const Field remove_input[] = {
        { "agent", FIELD_AGENT, REQUIRED, "The agent." },
        { "name", FIELD_TEXT, REQUIRED, "Name of the document.", .least = 1, .most = 200 },
        { .type = FIELD_END },
};

static bool remove_knowledge(OperationContext *context, const Input *input, Json **ret_result,
                             Failure *reterr_failure) {
        const Rows *rows;
        Text name = input_text(input, "name");
        if (!context_run(context, QUERY_DOCUMENT_FIND, VALUES(value_uuid(context->agent.id), value_text(name)), &rows,
                         reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such document");
        Uuid id = rows_uuid(rows, 0, 0);
        if (!context_run(context, QUERY_DOCUMENT_REMOVE, VALUES(value_uuid(id)), NULL, reterr_failure))
                return false;
        json_put_uuid(context->facts, "document", id);
        *ret_result = json_new_object();
        json_put_text(*ret_result, "name", name);
        json_put_boolean(*ret_result, "removed", true);
        return true;
}

const Operation knowledge_remove = {
        .name = "knowledge-remove",
        .summary = "Takes a document out of an agent's knowledge.",
        .example = "support install.md --tenant acme",
        .role = ROLE_ADMIN,
        .own_agent = true,
        .effect = EFFECT_DESTROY,
        .method = "DELETE",
        .path = "/agents/{agent}/knowledge/{name}",
        .input = remove_input,
        .run = remove_knowledge,
};
