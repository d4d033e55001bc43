#include "orchestrator/governance/policy.h"

#include "base/json.h"

typedef struct Document {
        JsonList approval_tools;
        Text guardrails;
        int64_t max_output;
} Document;

static const JsonField document_fields[] = {
        { "approval_tools", BIND_ARRAY, offsetof(Document, approval_tools), .item_size = sizeof(Text) },
        { "guardrails", BIND_TEXT, offsetof(Document, guardrails) },
        { "max_output", BIND_INTEGER, offsetof(Document, max_output) },
        { .bind = BIND_REST },
};

static bool policy_read(Policy *policy, Text text, Failure *reterr_failure) {
        _cleanup_(json_freep) Json *json = NULL;
        Document document = { 0 };

        if (text.length == 0)
                return true;
        if (!json_parse(text, 0, &json, reterr_failure) ||
            !json_bind(json, document_fields, policy->arena, &document, reterr_failure))
                return false;
        policy->approval_tools = document.approval_tools.items;
        policy->approval_tool_count = document.approval_tools.count;
        policy->max_output = document.max_output;
        return guardrails_parse(document.guardrails, &policy->guardrails, reterr_failure) ||
               failure_prefix(reterr_failure, "'guardrails'");
}

bool policy_new(Text document, Policy **ret_policy, Failure *reterr_failure) {
        Arena *arena = arena_new(document.length * 4 + 4096);
        Policy *policy = arena_take(arena, sizeof(*policy));

        policy->arena = arena;
        *ret_policy = policy;
        if (policy_read(policy, document, reterr_failure))
                return true;
        policy_free(policy);
        *ret_policy = NULL;
        return false;
}

void policy_free(Policy *policy) {
        if (!policy)
                return;
        guardrails_free(policy->guardrails);
        arena_free(policy->arena);
}

bool policy_wants_approval(const Policy *policy, Text tool) {
        for (size_t i = 0; policy && i < policy->approval_tool_count; i++)
                if (text_equal(policy->approval_tools[i], tool))
                        return true;
        return false;
}

Hash policy_stamp(const Hash *version, const Policy *tenant) {
        if (!tenant)
                return *version;
        TextBuilder text = text_builder(256);
        text_add_string(&text, "{\"tenant\":\"");
        text_add_hex(&text, tenant->hash.bytes, sizeof(tenant->hash.bytes));
        text_add_string(&text, "\",\"version\":\"");
        text_add_hex(&text, version->bytes, sizeof(version->bytes));
        text_add_string(&text, "\"}");
        Text canonical = text_built(&text);
        Hash hash = crypto_sha256(canonical);
        text_builder_release(&text);
        return hash;
}
