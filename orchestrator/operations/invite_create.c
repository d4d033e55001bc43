#include "base/map.h"
#include "orchestrator/operations/invite.h"

#include <stdio.h>

static const Field create_input[] = {
        { "role", FIELD_CHOICE, OPTIONAL, "What the new member may do.", .choices = "owner|admin|operator|viewer",
          .fallback = "operator" },
        { "jid", FIELD_JID, OPTIONAL, "For whom it is; whoever has the code when absent." },
        { "uses", FIELD_INTEGER, OPTIONAL, "How many people it is for.", .fallback = "1", .least = 1, .most = 1000 },
        { "expires", FIELD_DURATION, OPTIONAL, "How long it holds.", .fallback = "7d", .least = 60,
          .most = INT64_C(90) * 86400 },
        { "workspace", FIELD_BOOLEAN, OPTIONAL,
          "Instead of a membership: to make a workspace; for platform admins, without a tenant." },
        { .type = FIELD_END },
};

/* XEP-0147 §1, `message`: what is written is there, and the person sends it. Not `register;preauth` of XEP-0445, by
 * which clients make an account at a server: who follows this link has one. */
static Text link_of(OperationContext *context, const char *code, bool workspace) {
        Text domain = context_agent_domain(context, TEXT_NONE);
        TextBuilder builder = text_builder(0);
        text_add_format(&builder, "xmpp:%.*s?message;body=%s%s", TEXT_ARGUMENTS(domain),
                        workspace ? "/tenant-register%20code=" : "/invite-accept%20", code);
        Text link = text_copy(context->arena, text_built(&builder));
        text_builder_release(&builder);
        return link;
}

static bool check_role(const OperationContext *context, bool workspace, Role role, Failure *reterr_failure) {
        if (workspace && context->role < ROLE_PLATFORM)
                return failure_set(reterr_failure, FAILURE_FORBIDDEN, "only platform admins invite to new workspaces");
        if (workspace && !uuid_equal(context->tenant_id, installation_tenant_id))
                return failure_set(reterr_failure, FAILURE_INVALID,
                                   "an invitation to a new workspace is no tenant's: name none");
        return role < ROLE_OWNER || context->role >= ROLE_OWNER ||
               failure_set(reterr_failure, FAILURE_FORBIDDEN, "only owners make and unmake owners");
}

static void put_result(OperationContext *context, const Input *input, const char *code, int64_t expires_us,
                       Json *result) {
        bool workspace = input_boolean(input, "workspace");
        json_put_string(result, "code", code);
        json_put_text(result, "link", link_of(context, code, workspace));
        json_put_text_or_null(result, "role", workspace ? TEXT_NONE : input_text(input, "role"));
        json_put_text_or_null(result, "jid", input_text(input, "jid"));
        json_put_integer(result, "uses", input_integer(input, "uses"));
        json_put_time(result, "expires_at", expires_us);
}

static bool create_invite(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        bool workspace = input_boolean(input, "workspace");
        char code[INVITE_CODE_SIZE];
        Uuid id = context_id(context);
        const Rows *rows;
        Role role;
        if (!role_from_name(input_text(input, "role"), &role) || !check_role(context, workspace, role, reterr_failure))
                return false;
        invite_code_make(code);
        Hash hash = invite_hash(text_of(code));
        if (!context_run(context, QUERY_INVITE_ADD,
                         VALUES(value_uuid(id), value_bytes(MAP_KEY(hash)),
                                workspace ? value_null() : value_string(role_name(role)),
                                value_text_or_null(input_text(input, "jid")),
                                value_integer(input_integer(input, "uses")), value_uuid_or_null(context->account_id),
                                value_integer(input_integer(input, "expires"))),
                         &rows, reterr_failure))
                return false;
        json_put_uuid(context->facts, "invite", id);
        json_put_string(context->facts, "role", workspace ? NULL : role_name(role));
        json_put_integer(context->facts, "uses", input_integer(input, "uses"));
        *ret_result = json_new_object();
        json_put_uuid(*ret_result, "id", id);
        put_result(context, input, code, rows_time(rows, 0, 0), *ret_result);
        crypto_wipe(code, sizeof(code));
        return true;
}

const Operation invite_create = {
        .name = "invite-create",
        .summary = "Makes an invitation: a code and a link that are shown this once.",
        .example = "--role viewer --jid bob@example.org --tenant acme",
        .role = ROLE_ADMIN,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/invites",
        .input = create_input,
        .shown_once = "code link",
        .run = create_invite,
};
