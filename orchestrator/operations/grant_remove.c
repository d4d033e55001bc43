#include "orchestrator/operations/agent.h"

static const Field remove_input[] = {
        { "agent", FIELD_AGENT, REQUIRED, "The agent." },
        { "who", FIELD_WHO, REQUIRED, "Whom the grant names." },
        { .type = FIELD_END },
};

static bool remove_limits(OperationContext *context, Uuid grant_id, Failure *reterr_failure) {
        const Rows *rows;
        if (!context_run(context, QUERY_GRANT_LIMITS_REMOVE, VALUES(value_uuid(grant_id)), &rows, reterr_failure))
                return false;
        for (size_t row = 0; row < rows_count(rows); row++)
                context_announce(context, (DirectoryChange){ .kind = DIRECTORY_LIMIT,
                                                             .gone = true,
                                                             .id = rows_uuid(rows, row, 0),
                                                             .tenant_id = context->tenant_id });
        return true;
}

static bool remove_grant(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        Text who = input_text(input, "who");
        if (!context_run(context, QUERY_GRANT_FIND, VALUES(value_uuid(context->agent.id), value_text(who)), &rows,
                         reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such grant");
        Uuid id = rows_uuid(rows, 0, 0);
        if (!remove_limits(context, id, reterr_failure) ||
            !context_run(context, QUERY_GRANT_REMOVE, VALUES(value_uuid(id)), NULL, reterr_failure))
                return false;
        context_announce(context, (DirectoryChange){ .kind = DIRECTORY_GRANT,
                                                     .gone = true,
                                                     .id = id,
                                                     .tenant_id = context->tenant_id,
                                                     .agent_id = context->agent.id });
        json_put_uuid(context->facts, "grant", id);
        *ret_result = json_new_object();
        json_put_text(*ret_result, "who", who);
        json_put_boolean(*ret_result, "removed", true);
        return true;
}

const Operation grant_remove = {
        .name = "grant-remove",
        .summary = "Takes a grant back; it holds for what is being answered too.",
        .example = "support carol@elsewhere.org --tenant acme",
        .role = ROLE_ADMIN,
        .own_agent = true,
        .effect = EFFECT_DESTROY,
        .method = "DELETE",
        .path = "/agents/{agent}/grants/{who}",
        .input = remove_input,
        .run = remove_grant,
};
