#include "orchestrator/operations/policy.h"
#include "orchestrator/operations/version.h"

static const Field show_input[] = {
        { "agent", FIELD_AGENT, OPTIONAL, "Also this agent's own." },
        { .type = FIELD_END },
};

static void put_tenant(const TenantPolicyRow *row, const Json *document, Json *result) {
        TextBuilder hash = text_builder(0);

        text_add_hex(&hash, (const uint8_t *) row->hash.bytes, row->hash.length);
        json_put_text_or_null(result, "policy_hash", text_built(&hash));
        text_builder_release(&hash);
        json_put_time(result, "updated_at", row->updated_us);
        json_put_text(result, "zone", row->zone);
        policy_put(result, document);
}

static bool put_agent(OperationContext *context, Json *result, Failure *reterr_failure) {
        _cleanup_(version_release) VersionDocument version = { 0 };

        if (!version_read(context, context->agent.id, 0, &version, reterr_failure))
                return false;
        Json *own = json_new_object();
        json_put_text(own, "name", context->agent.name);
        json_put_integer(own, "version", version.number);
        json_put_text(own, "policy_hash", version.policy_hash);
        json_put(own, "model", json_clone(json_member(version.document, "model")));
        policy_put(own, version.document);
        json_put(result, "agent", own);
        return true;
}

static bool show_policy(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        _cleanup_(json_freep) Json *document = NULL;
        TenantPolicyRow row;

        if (!policy_of_tenant(context, &row, reterr_failure) ||
            (row.text.length && !json_parse(row.text, SIZE_MAX, &document, reterr_failure)))
                return false;
        *ret_result = json_new_object();
        put_tenant(&row, document, *ret_result);
        return !input_has(input, "agent") || put_agent(context, *ret_result, reterr_failure);
}

const Operation policy_show = {
        .name = "policy-show",
        .summary = "Shows the tenant's policy, and an agent's own beside it.",
        .example = "--agent support --tenant acme",
        .role = ROLE_VIEWER,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/policy",
        .input = show_input,
        .run = show_policy,
};
