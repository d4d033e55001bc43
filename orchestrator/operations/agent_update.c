#include "orchestrator/operations/agent.h"
#include "orchestrator/operations/version.h"

static const Field update_input[] = {
        { "agent", FIELD_AGENT, REQUIRED, "The agent: its name in the tenant, or its JID." },
        { "visibility", FIELD_CHOICE, OPTIONAL, "Who may talk to it.", .choices = "private|tenant|shared|public" },
        { "owner", FIELD_JID, OPTIONAL, "A member to give it to; for admins." },
        { .type = FIELD_END },
};

static bool changes_version(const Input *input) {
        for (const Field *field = version_fields; field->type != FIELD_END; field++)
                if (input_has(input, field->name))
                        return true;
        return input_has(input, "owner");
}

/* A version names its owner, so that a turn can compare: a new owner is a new version too. */
static bool add_version(OperationContext *context, const Input *input, VersionDocument *version,
                        Failure *reterr_failure) {
        Text owner = input_text(input, "owner");
        if (!version_read(context, context->agent.id, 0, version, reterr_failure))
                return false;
        version_overlay(version, input);
        if (!version_check(version, reterr_failure) || !version_check_price(context, version, input, reterr_failure) ||
            (owner.length > 0 && !agent_find_owner(context, owner, &version->owner_id, reterr_failure)))
                return false;
        return version_add(context, context->agent.id, context_id(context), version, reterr_failure);
}

static bool update_agent(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        _cleanup_(version_release) VersionDocument version = { 0 };
        if (!agent_lock(context, reterr_failure) ||
            (changes_version(input) && !add_version(context, input, &version, reterr_failure)))
                return false;
        if (!context_run(context, QUERY_AGENT_CHANGE,
                         VALUES(value_uuid(context->agent.id), value_null(), value_uuid_or_null(version.owner_id),
                                value_text_or_null(input_text(input, "visibility")), value_uuid_or_null(version.id)),
                         NULL, reterr_failure) ||
            !context_announce_agent(context, context->agent.id, reterr_failure))
                return false;
        if (version.number > 0)
                json_put_integer(context->facts, "version", version.number);
        if (input_has(input, "visibility"))
                json_put_text(context->facts, "visibility", input_text(input, "visibility"));
        return agent_result(context, context->agent.id, ret_result, reterr_failure);
}

const Operation agent_update = {
        .name = "agent-update",
        .summary = "Changes an agent; what shapes its behaviour becomes a new version.",
        .example = "support --prompt @prompt.txt --visibility public --tenant acme",
        .role = ROLE_ADMIN,
        .own_agent = true,
        .partial = true,
        .effect = EFFECT_CHANGE,
        .method = "PATCH",
        .path = "/agents/{agent}",
        .input = update_input,
        .shared = version_fields,
        .run = update_agent,
};
