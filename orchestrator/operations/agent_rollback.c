#include "orchestrator/operations/agent.h"
#include "orchestrator/operations/version.h"

static const Field rollback_input[] = {
        { "agent", FIELD_AGENT, REQUIRED, "The agent: its name in the tenant, or its JID." },
        { "version", FIELD_INTEGER, OPTIONAL, "The version to go back to; the one before the present one when absent.",
          .least = 1, .most = INT32_MAX },
        { .type = FIELD_END },
};

static bool is_same(OperationContext *context, const Json *one, const Json *other) {
        bool none = json_to_text(one).length == 0 && json_count(one) == 0;
        bool none_either = json_to_text(other).length == 0 && json_count(other) == 0;
        Text text, other_text;
        if (none || none_either)
                return none && none_either;
        return json_compact(one, context->arena, &text) && json_compact(other, context->arena, &other_text) &&
               text_equal(text, other_text);
}

/* An earlier version may lead elsewhere, as who owned the agent then wanted it. NULL: it does not. */
static const char *changed_way_out(OperationContext *context, const VersionDocument *present,
                                   const VersionDocument *version) {
        const char *const *way = version_ways_out;
        while (*way && is_same(context, json_member(present->document, *way), json_member(version->document, *way)))
                way++;
        return *way;
}

/* History only grows: going back is a new version with the old one's content, owned by whoever owns the agent now. */
static bool rollback_agent(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        _cleanup_(version_release) VersionDocument present = { 0 }, version = { 0 };
        if (!agent_lock(context, reterr_failure) ||
            !version_read(context, context->agent.id, 0, &present, reterr_failure))
                return false;
        int64_t number = input_has(input, "version") ? input_integer(input, "version") : present.number - 1;
        if (number < 1)
                return failure_set(reterr_failure, FAILURE_CONFLICT, "this is the agent's first version");
        if (!version_read(context, context->agent.id, number, &version, reterr_failure))
                return false;
        version.owner_id = context->agent.owner_id;
        if (!version_check_way_out(context, changed_way_out(context, &present, &version), reterr_failure) ||
            !version_check(&version, reterr_failure) ||
            !version_add(context, context->agent.id, context_id(context), &version, reterr_failure) ||
            !context_run(context, QUERY_AGENT_CHANGE,
                         VALUES(value_uuid(context->agent.id), value_null(), value_null(), value_null(),
                                value_uuid(version.id), value_boolean(false)),
                         NULL, reterr_failure) ||
            !context_announce_agent(context, context->agent.id, reterr_failure))
                return false;
        json_put_integer(context->facts, "from", number);
        json_put_integer(context->facts, "version", version.number);
        return agent_result(context, context->agent.id, ret_result, reterr_failure);
}

const Operation agent_rollback = {
        .name = "agent-rollback",
        .summary = "Makes an earlier version's content the agent's newest version.",
        .example = "support --version 3 --tenant acme",
        .role = ROLE_ADMIN,
        .own_agent = true,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/agents/{agent}/rollback",
        .input = rollback_input,
        .run = rollback_agent,
};
