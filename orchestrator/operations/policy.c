#include "orchestrator/operations/policy.h"

#include "orchestrator/governance/gate.h"
#include "orchestrator/governance/hours.h"
#include "orchestrator/governance/policy.h"

const Field policy_fields[] = { POLICY_FIELDS, { .type = FIELD_END } };

static bool is_empty(const Json *value) {
        return !value || json_type_of(value) == JSON_TYPE_NULL ||
               (json_type_of(value) == JSON_TYPE_TEXT && json_to_text(value).length == 0) ||
               (json_type_of(value) == JSON_TYPE_ARRAY && json_count(value) == 0);
}

static Json *empty_of(const Field *field) {
        return field->type == FIELD_LIST      ? json_new_array()
               : field->type == FIELD_INTEGER ? json_new_null()
                                              : json_new_text(TEXT_NONE);
}

void policy_put(Json *result, const Json *document) {
        for (const Field *field = policy_fields; field->type != FIELD_END; field++) {
                const Json *value = document ? json_member(document, field->name) : NULL;
                json_put(result, field->name, is_empty(value) ? empty_of(field) : json_clone(value));
        }
}

bool policy_of_tenant(OperationContext *context, TenantPolicyRow *ret_row, Failure *reterr_failure) {
        const Rows *rows;

        *ret_row = (TenantPolicyRow){ 0 };
        if (!context_run(context, QUERY_POLICY_READ, NO_VALUES, &rows, reterr_failure))
                return false;
        *ret_row = (TenantPolicyRow){ .zone = rows_text(rows, 0, 0),
                                      .text = rows_text(rows, 0, 1),
                                      .hash = rows_text(rows, 0, 2),
                                      .updated_us = rows_time(rows, 0, 3) };
        return true;
}

/* As it stands in a JID: in small letters. */
static bool is_domain(Text domain) {
        if (text_starts_with(domain, TEXT("*.")))
                domain = (Text){ domain.bytes + 2, domain.length - 2 };
        for (size_t i = 0; i < domain.length; i++) {
                char c = domain.bytes[i];
                bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
                if (!letter && c != '.' && c != '-' && (unsigned char) c < 0x80)
                        return false;
        }
        return domain.length > 0;
}

static bool check_domains(const Json *domains, Failure *reterr_failure) {
        for (size_t i = 0; i < json_count(domains); i++) {
                Text domain = json_to_text(json_item(domains, i));
                if (!is_domain(domain))
                        return failure_set(reterr_failure, FAILURE_INVALID,
                                           "'sender_domains': '%.*s' is no domain such as example.org or *.example.org",
                                           TEXT_ARGUMENTS(text_prefix(domain, 64)));
        }
        return true;
}

/* "openai/gpt-4o", or "openai/" and "*" at the end. */
static bool is_model(Text model) {
        bool named = false;

        for (size_t i = 0; i < model.length; i++) {
                char c = model.bytes[i];
                bool letter = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
                named |= c == '/' && i > 0 && i + 1 < model.length;
                if (!letter && !strchr("/._:@-", c) && !(c == '*' && i + 1 == model.length))
                        return false;
        }
        return named;
}

static bool check_models(const Json *models, Failure *reterr_failure) {
        for (size_t i = 0; i < json_count(models); i++) {
                Text model = json_to_text(json_item(models, i));
                if (!is_model(model))
                        return failure_set(reterr_failure, FAILURE_INVALID,
                                           "'allowed_models': '%.*s' is no model such as openai/gpt-4o or openai/*",
                                           TEXT_ARGUMENTS(text_prefix(model, 64)));
        }
        return true;
}

bool policy_check(const Json *document, Arena *arena, Failure *reterr_failure) {
        _cleanup_(policy_freep) Policy *policy = NULL;
        Hours hours;
        Text text;

        if (!hours_parse(json_to_text(json_member(document, "hours")), &hours, reterr_failure))
                return failure_prefix(reterr_failure, "'hours'");
        if (!check_models(json_member(document, "allowed_models"), reterr_failure) ||
            !check_domains(json_member(document, "sender_domains"), reterr_failure))
                return false;
        return (json_canonical(document, arena, &text) ||
                failure_set(reterr_failure, FAILURE_TOO_LARGE, "the policy is too large")) &&
               policy_new(text, &policy, reterr_failure) &&
               (guardrails_able(policy->guardrails, reterr_failure) || failure_prefix(reterr_failure, "'guardrails'"));
}

static bool models_permit(const Json *models, Text model) {
        size_t count = json_count(models);
        Text list[64];

        if (count > COUNT_OF(list))
                return false;
        for (size_t i = 0; i < count; i++)
                list[i] = json_to_text(json_item(models, i));
        return models_allow(list, count, model);
}

bool policy_check_model(OperationContext *context, const Json *version, Failure *reterr_failure) {
        _cleanup_(json_freep) Json *tenant = NULL;
        Text model = json_to_text(json_member(version, "model"));
        TenantPolicyRow row;

        if (!models_permit(json_member(version, "allowed_models"), model))
                return failure_set(reterr_failure, FAILURE_INVALID, "'model': '%.*s' is not among 'allowed_models'",
                                   TEXT_ARGUMENTS(text_prefix(model, 64)));
        if (!policy_of_tenant(context, &row, reterr_failure))
                return false;
        if (row.text.length == 0)
                return true;
        return json_parse(row.text, SIZE_MAX, &tenant, reterr_failure) &&
               (models_permit(json_member(tenant, "allowed_models"), model) ||
                failure_set(reterr_failure, FAILURE_POLICY, "'model': the tenant's policy does not allow '%.*s'",
                            TEXT_ARGUMENTS(text_prefix(model, 64))));
}
