#include "orchestrator/operations/version.h"

#include "orchestrator/models/model.h"
#include "orchestrator/operations/allowance.h"
#include "orchestrator/operations/policy.h"
#include "orchestrator/operations/secret.h"

#include <assert.h>
#include <math.h>

void version_release(VersionDocument *version) {
        json_free(version->document);
        version->document = NULL;
}

void version_blank(VersionDocument *ret_version) {
        *ret_version = (VersionDocument){ .document = json_new_object() };
        for (const Field *field = version_fields; field->type != FIELD_END; field++) {
                bool text = field->type == FIELD_TEXT || field->type == FIELD_LONG_TEXT;
                if (strcmp(field->name, "prompt") != 0)
                        json_put(ret_version->document, field->name,
                                 text                        ? json_new_text(TEXT_NONE)
                                 : field->type == FIELD_LIST ? json_new_array()
                                                             : json_new_null());
        }
}

static SealPlace prompt_place(const Uuid *id) {
        return (SealPlace){ "agent_versions", "system_prompt", { (const char *) id->bytes, sizeof(id->bytes) } };
}

bool version_read(OperationContext *context, Uuid agent_id, int64_t number, VersionDocument *ret_version,
                  Failure *reterr_failure) {
        const Rows *rows;
        if (!context_run(context, QUERY_AGENT_VERSION_READ,
                         VALUES(value_uuid(agent_id), number > 0 ? value_integer(number) : value_null()), &rows,
                         reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "the agent has no version of this number");
        *ret_version = (VersionDocument){
                .id = rows_uuid(rows, 0, 0),
                .number = rows_integer(rows, 0, 1),
                .owner_id = rows_uuid(rows, 0, 2),
                .created_us = rows_time(rows, 0, 5),
                .policy_hash = rows_text(rows, 0, 7),
                .hidden = rows_boolean(rows, 0, 8),
        };
        if (!rows_is_null(rows, 0, 3) &&
            !keyring_unseal(context->operations->keyring, context->tenant_id, (int) rows_integer(rows, 0, 4),
                            prompt_place(&ret_version->id), rows_text(rows, 0, 3), context->arena, &ret_version->prompt,
                            reterr_failure))
                return false;
        return json_parse(rows_text(rows, 0, 6), SIZE_MAX, &ret_version->document, reterr_failure);
}

void version_overlay(VersionDocument *version, const Input *input) {
        _cleanup_(json_freep) Json *given = input_json(input);
        for (const Field *field = version_fields; field->type != FIELD_END; field++) {
                const Json *value = json_member(given, field->name);
                if (value && strcmp(field->name, "prompt") == 0) {
                        version->prompt = input_text(input, "prompt");
                        version->hidden = false;
                } else if (value)
                        json_put(version->document, field->name, json_clone(value));
        }
}

bool version_check(const VersionDocument *version, Failure *reterr_failure) {
        if (json_count(json_member(version->document, "tools")) > 0)
                return failure_set(reterr_failure, FAILURE_INVALID, "'tools': this installation has no tool '%.*s'",
                                   TEXT_ARGUMENTS(text_prefix(
                                           json_to_text(json_item(json_member(version->document, "tools"), 0)), 64)));
        bool own = json_to_text(json_member(version->document, "provider_url")).length > 0;
        Text model = json_to_text(json_member(version->document, "model"));
        return (own ? model_takes_provider(model, reterr_failure) : model_known(model, reterr_failure)) ||
               failure_prefix(reterr_failure, "'model'");
}

/* Both are looked at again when they are used. */
static bool check_provider(OperationContext *context, const VersionDocument *version, Failure *reterr_failure) {
        Text url = json_to_text(json_member(version->document, "provider_url"));
        Text key = json_to_text(json_member(version->document, "provider_key")), host = url_host(url);
        const Rows *rows;
        if (url.length > 0 && host.length == 0)
                return failure_set(reterr_failure, FAILURE_INVALID,
                                   "'provider_url' must be a URL such as https://api.example.com/v1");
        if (key.length == 0)
                return true;
        if (!context_run(context, QUERY_SECRET_HOST, VALUES(value_text(key)), &rows, reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return failure_set(reterr_failure, FAILURE_INVALID, "'provider_key': the tenant has no secret '%.*s'",
                                   TEXT_ARGUMENTS(key));
        return secret_may_go(key, rows_text(rows, 0, 0), host, reterr_failure) ||
               failure_prefix(reterr_failure, "'provider_key'");
}

const char *const version_ways_out[] = { "provider_url", "provider_key", "tools", "allowed_domains", NULL };

bool version_check_way_out(const OperationContext *context, const char *way, Failure *reterr_failure) {
        return !way || context->owns || uuid_equal(context->tenant_id, installation_tenant_id) ||
               failure_set(reterr_failure, FAILURE_FORBIDDEN,
                           "'%s' decides where what people write goes: only the agent's owner sets it", way);
}

bool version_check_price(OperationContext *context, const VersionDocument *version, const Input *input,
                         Failure *reterr_failure) {
        static const char *const names[] = { "prompt_price", "completion_price" };
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        if (json_to_text(json_member(version->document, "provider_url")).length > 0 ||
            (!input_has(input, names[0]) && !input_has(input, names[1])))
                return true;
        Text model = json_to_text(json_member(version->document, "model"));
        if (!context_ask_directory(context, QUERY_MODEL_PRICE, VALUES(value_text(model)), &transaction, &rows,
                                   reterr_failure))
                return false;
        for (int i = 0; rows_count(rows) > 0 && i < (int) COUNT_OF(names); i++) {
                int64_t least = rows_integer(rows, 0, i);
                if (input_has(input, names[i]) && llround(input_real(input, names[i]) * 1e9) < least)
                        return failure_set(reterr_failure, FAILURE_INVALID,
                                           "'%s' must be at least %.15g, what the model costs on this installation; "
                                           "without it, that is the price",
                                           names[i], (double) least / 1e9);
        }
        return true;
}

/* SHA-256 over the canonical JSON (RFC 8785) of everything that shapes behaviour: the version's fields, its prompt and
 * its owner. */
static bool hash_policy(OperationContext *context, const VersionDocument *version, Hash *ret_hash,
                        Failure *reterr_failure) {
        Text canonical;
        _cleanup_(json_freep) Json *whole = json_clone(version->document);
        json_put_uuid(whole, "owner", version->owner_id);
        json_put_text(whole, "prompt", version->prompt);
        if (!json_canonical(whole, context->arena, &canonical))
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "the version is too large");
        *ret_hash = crypto_sha256(canonical);
        return true;
}

bool version_add(OperationContext *context, Uuid agent_id, Uuid id, VersionDocument *version, Failure *reterr_failure) {
        Hash hash;
        Text document, sealed = TEXT_NONE;
        int key_id = 0;
        const Rows *rows;
        version->id = id;
        Text url = json_to_text(json_member(version->document, "provider_url"));
        if (!check_provider(context, version, reterr_failure) ||
            (url.length > 0 && !limit_check_provider(context, url, reterr_failure)) ||
            !policy_check(version->document, context->arena, reterr_failure) ||
            !policy_check_model(context, version->document, reterr_failure) ||
            !hash_policy(context, version, &hash, reterr_failure) ||
            !json_canonical(version->document, context->arena, &document))
                return false;
        if (version->prompt.length > 0 &&
            !keyring_seal(context->operations->keyring, context->tenant_id, prompt_place(&version->id), version->prompt,
                          context->arena, &sealed, &key_id, reterr_failure))
                return false;
        Text hash_bytes = { (const char *) hash.bytes, sizeof(hash.bytes) };
        if (!context_run(context, QUERY_AGENT_VERSION_ADD,
                         VALUES(value_uuid(version->id), value_uuid(agent_id), value_uuid(version->owner_id),
                                value_uuid_or_null(context->account_id),
                                sealed.length > 0 ? value_bytes(sealed) : value_null(), value_integer(key_id),
                                value_bytes(hash_bytes), value_text(document), value_boolean(version->hidden)),
                         &rows, reterr_failure))
                return false;
        version->number = rows_integer(rows, 0, 0);
        return true;
}
