#include "orchestrator/operations/context.h"

/* What is sealed in a record, by the columns its row has it in. */
typedef struct Sealed {
        const char *table, *column, *name;
        int id, key, value;
} Sealed;

/* Every section reads the same three things: where to begin, how many, and, when something of it is for readers only,
 * the agents that can be read. */
typedef struct Section {
        const char *kind;
        Query query;
        bool guarded;
        const Sealed *sealed; /* ends with an unnamed row; NULL = nothing is */
} Section;

static const Sealed prompt[] = { { "agent_versions", "system_prompt", "prompt", 3, 4, 5 }, { NULL } };
static const Sealed bodies[] = { { "accepted", "body", "input", 3, 4, 5 },
                                 { "concluded", "answer", "output", 3, 6, 7 },
                                 { "concluded", "explanation", "explanation", 3, 6, 8 },
                                 { "persons", "jid", "sender", 9, 10, 11 },
                                 { NULL } };

static const Section sections[] = {
        { "tenant", QUERY_EXPORT_TENANT, false, NULL },
        { "member", QUERY_EXPORT_MEMBERS, false, NULL },
        { "invite", QUERY_EXPORT_INVITES, false, NULL },
        { "agent", QUERY_EXPORT_AGENTS, false, NULL },
        { "version", QUERY_EXPORT_VERSIONS, true, prompt },
        { "grant", QUERY_EXPORT_GRANTS, false, NULL },
        { "limit", QUERY_EXPORT_LIMITS, false, NULL },
        { "policy", QUERY_EXPORT_POLICY, false, NULL },
        { "subscription", QUERY_EXPORT_SUBSCRIPTIONS, false, NULL },
        { "document", QUERY_EXPORT_DOCUMENTS, false, NULL },
        { "passage", QUERY_EXPORT_PASSAGES, true, NULL },
        { "execution", QUERY_EXPORT_EXECUTIONS, true, bodies },
        { "feedback", QUERY_EXPORT_FEEDBACK, false, NULL },
};

static const Field export_input[] = {
        { "slug", FIELD_NAME, REQUIRED, "The tenant." },
        { .type = FIELD_END },
};

/* One page on its way; it goes through the sections until it is full. */
typedef struct Page {
        OperationContext *context;
        Json *data;
        size_t room, unread; /* records that hold something the caller may not read */
        const Uuid *readable;
        size_t readable_count;
        Text after; /* of the last record */
} Page;

static bool find_readable(Page *page, Failure *reterr_failure) {
        OperationContext *context = page->context;
        const Rows *rows;
        if (!context_run(context, QUERY_EXPORT_READABLE,
                         VALUES(value_uuid_or_null(context->account_id), value_text(context->caller->principal),
                                value_text(context->domain)),
                         &rows, reterr_failure))
                return false;
        Uuid *readable = arena_take_array(context->arena, Uuid, rows_count(rows) + 1);
        if (!readable)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "there are too many agents");
        page->readable_count = rows_count(rows);
        for (size_t i = 0; i < page->readable_count; i++)
                readable[i] = rows_uuid(rows, i, 0);
        page->readable = readable;
        return true;
}

static bool put_sealed(Page *page, const Rows *rows, size_t row, const Sealed *sealed, Json *record,
                       Failure *reterr_failure) {
        OperationContext *context = page->context;
        Uuid id = rows_uuid(rows, row, sealed->id);
        Text plain;
        if (rows_is_null(rows, row, sealed->value)) {
                json_put(record, sealed->name, json_new_null());
                return true;
        }
        SealPlace place = { sealed->table, sealed->column, { (const char *) id.bytes, sizeof(id.bytes) } };
        if (!keyring_unseal(context->operations->keyring, context->tenant_id,
                            (int) rows_integer(rows, row, sealed->key), place, rows_text(rows, row, sealed->value),
                            context->arena, &plain, reterr_failure))
                return false;
        json_put_text(record, sealed->name, plain);
        return true;
}

/* What may not be read says so, instead of looking empty. */
static bool add_record(Page *page, const Section *section, const Rows *rows, size_t row, Failure *reterr_failure) {
        Json *record;
        if (!json_parse(rows_text(rows, row, 1), SIZE_MAX, &record, reterr_failure))
                return false;
        json_append(page->data, record);
        json_put_string(record, "kind", section->kind);
        if (section->guarded) {
                bool readable = rows_boolean(rows, row, 2);
                json_put_boolean(record, "readable", readable);
                page->unread += !readable;
                for (const Sealed *sealed = section->sealed; readable && sealed && sealed->name; sealed++)
                        if (!put_sealed(page, rows, row, sealed, record, reterr_failure))
                                return false;
        }
        TextBuilder after = text_builder(0);
        text_add_format(&after, "%s:%.*s", section->kind, TEXT_ARGUMENTS(rows_text(rows, row, 0)));
        page->after = text_copy(page->context->arena, text_built(&after));
        text_builder_release(&after);
        page->room--;
        return true;
}

/* One more is asked for than there is room: whether the next page begins here. */
static bool add_section(Page *page, const Section *section, Text from, bool *ret_more, Failure *reterr_failure) {
        const Rows *rows;
        Value values[] = { value_text(from), value_integer((int64_t) page->room + 1),
                           value_uuids(page->readable, page->readable_count) };
        if (!context_run(page->context, section->query, values, section->guarded ? 3 : 2, &rows, reterr_failure))
                return false;
        *ret_more = rows_count(rows) > page->room;
        for (size_t row = 0; row < rows_count(rows) && page->room > 0; row++)
                if (!add_record(page, section, rows, row, reterr_failure))
                        return false;
        return true;
}

/* "kind:key", as it was given out. */
static bool find_start(Text after, size_t *ret_section, Text *ret_key, Failure *reterr_failure) {
        Text rest = after, kind;
        *ret_section = 0;
        *ret_key = TEXT_NONE;
        if (after.length == 0)
                return true;
        text_split(&rest, ':', &kind);
        for (size_t i = 0; i < COUNT_OF(sections); i++)
                if (text_equal(kind, text_of(sections[i].kind)) && rest.length > 0) {
                        *ret_section = i;
                        *ret_key = rest;
                        return true;
                }
        return failure_set(reterr_failure, FAILURE_INVALID, "'after' must be `after` of the page before");
}

static bool fill(Page *page, size_t section, Text key, bool *ret_more, Failure *reterr_failure) {
        *ret_more = false;
        for (; section < COUNT_OF(sections) && !*ret_more; section++, key = TEXT_NONE)
                if (!add_section(page, &sections[section], key, ret_more, reterr_failure))
                        return false;
        return true;
}

static bool export_tenant(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Page page = { .context = context, .room = (size_t) input_integer(input, "limit") };
        size_t section;
        bool more;
        Text key;
        Json *result = *ret_result = json_new_object();
        page.data = json_new_array();
        json_put(result, "data", page.data);
        if (!find_start(input_text(input, "after"), &section, &key, reterr_failure) ||
            !find_readable(&page, reterr_failure) || !fill(&page, section, key, &more, reterr_failure))
                return false;
        json_put_boolean(result, "has_more", more);
        json_put_text_or_null(result, "after", more ? page.after : TEXT_NONE);
        json_put_integer(context->facts, "records", (int64_t) json_count(page.data));
        json_put_integer(context->facts, "not_readable", (int64_t) page.unread);
        context->severity = TEXT("warning");
        return true;
}

const Operation tenant_export = {
        .name = "tenant-export",
        .summary = "Gives out everything of a tenant, page by page; what people wrote only where you may read it.",
        .example = "acme --json",
        .role = ROLE_OWNER,
        .tenant_field = "slug",
        .recorded = true,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/workspaces/{slug}/export",
        .input = export_input,
        .shared = list_fields,
        .columns = "kind id name jid",
        .items = "records",
        .run = export_tenant,
};
