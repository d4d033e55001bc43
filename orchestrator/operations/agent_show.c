#include "orchestrator/operations/agent.h"
#include "orchestrator/operations/version.h"

static const Field show_input[] = {
        { "agent", FIELD_AGENT, REQUIRED, "The agent: its name in the tenant, or its JID." },
        { "version", FIELD_INTEGER, OPTIONAL, "This version; the one in force when absent.", .least = 1,
          .most = INT32_MAX },
        { .type = FIELD_END },
};

static void put_agent(OperationContext *context, const Rows *rows, Json *result) {
        json_put_text(result, "name", rows_text(rows, 0, 0));
        json_put_text(result, "jid", agent_address(context, rows_text(rows, 0, 0)));
        json_put_text(result, "owner", rows_text(rows, 0, 1));
        json_put_text(result, "visibility", rows_text(rows, 0, 2));
        json_put_text(result, "state", rows_text(rows, 0, 3));
        json_put_text_or_null(result, "pause_reason", rows_text(rows, 0, 4));
        json_put_integer(result, "versions", rows_integer(rows, 0, 8));
        json_put_integer(result, "documents", rows_integer(rows, 0, 9));
        json_put_time(result, "created_at", rows_time(rows, 0, 5));
        json_put_time(result, "updated_at", rows_time(rows, 0, 6));
}

/* What its people may not read says so, instead of looking empty. */
static void put_version(const VersionDocument *version, bool may_read, Json *result) {
        json_put_integer(result, "version", version->number);
        json_put_time(result, "version_created_at", version->created_us);
        json_put_text(result, "policy_hash", version->policy_hash);
        for (const Field *field = version_fields; field->type != FIELD_END; field++) {
                const Json *value = json_member(version->document, field->name);
                if (strcmp(field->name, "prompt") != 0)
                        json_put(result, field->name, value ? json_clone(value) : json_new_null());
                else if (may_read)
                        json_put_text_or_null(result, "prompt", version->prompt);
        }
        json_put_boolean(result, "prompt_readable", may_read);
}

static bool show_agent(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        _cleanup_(version_release) VersionDocument version = { 0 };
        const Rows *rows;
        bool may_read;
        if (!context_run(context, QUERY_AGENT_READ, VALUES(value_uuid(context->agent.id)), &rows, reterr_failure) ||
            !version_read(context, context->agent.id, input_integer(input, "version"), &version, reterr_failure) ||
            !agent_may_read(context, version.created_us, &may_read, reterr_failure))
                return false;
        *ret_result = json_new_object();
        put_agent(context, rows, *ret_result);
        put_version(&version, may_read && !version.hidden, *ret_result);
        return true;
}

const Operation agent_show = {
        .name = "agent-show",
        .summary = "Shows an agent and its version in force, or an earlier one.",
        .example = "support --tenant acme",
        .role = ROLE_VIEWER,
        .own_agent = true,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/agents/{agent}",
        .input = show_input,
        .run = show_agent,
};
