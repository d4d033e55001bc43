#include "orchestrator/operations/policy.h"

#include "base/map.h"

/* Lays what was given over what there is. What comes out empty is left out: so equal policies have equal hashes. */
static Json *overlaid(const Json *now, const Json *given) {
        _cleanup_(json_freep) Json *whole = json_new_object();
        Json *document = json_new_object();

        policy_put(whole, now);
        for (const Field *field = policy_fields; field->type != FIELD_END; field++) {
                const Json *value = json_member(given, field->name);
                bool is_new = value && json_type_of(value) != JSON_TYPE_NULL;
                json_put(whole, field->name, json_clone(is_new ? value : json_member(whole, field->name)));
                value = json_member(whole, field->name);
                int64_t number = 1;
                bool empty = json_type_of(value) == JSON_TYPE_NULL ||
                             (json_type_of(value) == JSON_TYPE_TEXT && json_to_text(value).length == 0) ||
                             (json_type_of(value) == JSON_TYPE_ARRAY && json_count(value) == 0) ||
                             (json_to_integer(value, &number) && number == 0);
                if (!empty)
                        json_put(document, field->name, json_clone(value));
        }
        return document;
}

static void put_hash(Json *object, const Hash *hash) {
        TextBuilder hex = text_builder(0);
        text_add_hex(&hex, hash->bytes, sizeof(hash->bytes));
        json_put_text(object, "policy_hash", text_built(&hex));
        text_builder_release(&hex);
}

static bool keep(OperationContext *context, const Json *document, Hash *ret_hash, Failure *reterr_failure) {
        Text text;

        if (!json_canonical(document, context->arena, &text))
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "the policy is too large");
        *ret_hash = crypto_sha256(text);
        if (!context_run(
                    context, QUERY_POLICY_SET,
                    VALUES(value_text(text), value_bytes(MAP_KEY(*ret_hash)), value_uuid_or_null(context->account_id)),
                    NULL, reterr_failure))
                return false;
        DirectoryChange change = {
                .kind = DIRECTORY_POLICY, .id = context->tenant_id, .tenant_id = context->tenant_id, .policy = text
        };
        memcpy(change.policy_hash, ret_hash->bytes, sizeof(change.policy_hash));
        context_announce(context, change);
        return true;
}

static bool set_policy(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        _cleanup_(json_freep) Json *given = input_json(input), *now = NULL, *document = NULL;
        TenantPolicyRow row;
        Hash hash;

        if (!policy_of_tenant(context, &row, reterr_failure) ||
            (row.text.length && !json_parse(row.text, SIZE_MAX, &now, reterr_failure)))
                return false;
        document = overlaid(now, given);
        if (!policy_check(document, context->arena, reterr_failure) || !keep(context, document, &hash, reterr_failure))
                return false;
        put_hash(context->facts, &hash);
        *ret_result = json_new_object();
        put_hash(*ret_result, &hash);
        policy_put(*ret_result, document);
        return true;
}

const Operation policy_set = {
        .name = "policy-set",
        .summary = "Changes the tenant's policy, which its agents' own can only narrow. What is not given stays as it "
                   "is, and an empty value takes a rule away.",
        .example = "--sender-domains example.org --guardrails @rules.txt --tenant acme",
        .role = ROLE_ADMIN,
        .partial = true,
        .effect = EFFECT_CHANGE,
        .method = "PATCH",
        .path = "/policy",
        .shared = policy_fields,
        .run = set_policy,
};
