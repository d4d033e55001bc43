#include "orchestrator/operations/agent.h"
#include "orchestrator/operations/allowance.h"
#include "orchestrator/operations/version.h"

static const Field create_input[] = {
        { "name", FIELD_NAME, REQUIRED, "Its name, the first part of its address." },
        { "owner", FIELD_JID, OPTIONAL, "Whose it is; you, or for a platform admin the tenant's first owner." },
        { "visibility", FIELD_CHOICE, OPTIONAL, "Who may talk to it.", .choices = "private|tenant|shared|public",
          .fallback = "private" },
        { .type = FIELD_END },
};

static bool add_agent(OperationContext *context, const Input *input, Uuid agent_id, VersionDocument *version,
                      Failure *reterr_failure) {
        /* The agent names its version and the version its agent; the first of these constraints waits for the commit.
         */
        Uuid version_id = context_id(context);
        if (context_run(context, QUERY_AGENT_ADD,
                        VALUES(value_uuid(agent_id), value_text(input_text(input, "name")),
                               value_uuid(version->owner_id), value_text(input_text(input, "visibility")),
                               value_uuid(version_id)),
                        NULL, reterr_failure))
                return version_add(context, agent_id, version_id, version, reterr_failure);
        if (reterr_failure->kind == FAILURE_CONFLICT)
                failure_set(reterr_failure, FAILURE_CONFLICT, "there is an agent of this name already");
        return false;
}

static bool create_agent(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        _cleanup_(version_release) VersionDocument version;
        Uuid agent_id = context_id(context);
        version_blank(&version);
        version_overlay(&version, input);
        if (!input_has(input, "display_name"))
                json_put_text(version.document, "display_name", input_text(input, "name"));
        if (!version_check(&version, reterr_failure) ||
            !version_check_price(context, &version, input, reterr_failure) ||
            !agent_find_owner(context, input_text(input, "owner"), &version.owner_id, reterr_failure) ||
            !limit_check(context, LIMIT_AGENTS, 1, reterr_failure) ||
            !add_agent(context, input, agent_id, &version, reterr_failure) ||
            !context_announce_agent(context, agent_id, reterr_failure))
                return false;
        context->agent.id = agent_id;
        return agent_result(context, agent_id, ret_result, reterr_failure);
}

const Operation agent_create = {
        .name = "agent-create",
        .summary = "Makes an agent; from then on it is an address people can write to.",
        .example = "support --model builtin/extractive --visibility tenant --tenant acme",
        .role = ROLE_OPERATOR,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/agents",
        .input = create_input,
        .shared = version_fields,
        .run = create_agent,
};
