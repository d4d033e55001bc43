#include "orchestrator/memory/passages.h"
#include "orchestrator/operations/agent.h"
#include "orchestrator/operations/allowance.h"

static const Field add_input[] = {
        { "agent", FIELD_AGENT, REQUIRED, "The agent." },
        { "name", FIELD_TEXT, REQUIRED, "Name of the document; one of the same name is replaced.", .least = 1,
          .most = 200 },
        { "content", FIELD_LONG_TEXT, REQUIRED, "The document.", .least = 1, .most = PASSAGE_DOCUMENT_LIMIT },
        { "format", FIELD_CHOICE, OPTIONAL, "How it is written.", .choices = "markdown|plain", .fallback = "markdown" },
        { "source", FIELD_TEXT, OPTIONAL, "Where a reader finds it, quoted beside answers; the name when absent.",
          .most = 500 },
        { "language", FIELD_CHOICE, OPTIONAL, "Its language, for searching.",
          .choices =
                  "english|simple|danish|dutch|finnish|french|german|hungarian|italian|norwegian|portuguese|romanian|"
                  "russian|spanish|swedish|turkish",
          .fallback = "english" },
        { .type = FIELD_END },
};

static bool add_passages(OperationContext *context, Uuid document_id, Text language, const PassageList *passages,
                         Failure *reterr_failure) {
        Text *headings = memory_new((passages->count + 1) * sizeof(Text));
        Text *contents = memory_new((passages->count + 1) * sizeof(Text));
        for (size_t i = 0; i < passages->count; i++) {
                headings[i] = passages->items[i].heading;
                contents[i] = passages->items[i].content;
        }
        bool done = context_run(context, QUERY_PASSAGES_ADD,
                                VALUES(value_uuid(context->agent.id), value_uuid(document_id), value_text(language),
                                       value_texts(headings, passages->count), value_texts(contents, passages->count)),
                                NULL, reterr_failure);
        free(headings);
        free(contents);
        return done;
}

static bool replace_document(OperationContext *context, Text name, const Hash *digest, bool *ret_same,
                             Failure *reterr_failure) {
        const Rows *rows;
        *ret_same = false;
        if (!context_run(context, QUERY_DOCUMENT_FIND, VALUES(value_uuid(context->agent.id), value_text(name)), &rows,
                         reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return true;
        Text stored = rows_text(rows, 0, 1);
        *ret_same = stored.length == sizeof(digest->bytes) && memcmp(stored.bytes, digest->bytes, stored.length) == 0;
        return *ret_same || context_run(context, QUERY_DOCUMENT_REMOVE, VALUES(value_uuid(rows_uuid(rows, 0, 0))), NULL,
                                        reterr_failure);
}

static bool insert_document(OperationContext *context, const Input *input, const Hash *digest,
                            const PassageList *passages, Failure *reterr_failure) {
        Uuid id = context_id(context);
        Text name = input_text(input, "name"), language = input_text(input, "language");
        Text source = input_has(input, "source") ? input_text(input, "source") : name;
        json_put_uuid(context->facts, "document", id);
        return context_run(context, QUERY_DOCUMENT_ADD,
                           VALUES(value_uuid(id), value_uuid(context->agent.id), value_text(name), value_text(source),
                                  value_text(input_text(input, "format")), value_text(language),
                                  value_bytes((Text){ (const char *) digest->bytes, sizeof(digest->bytes) }),
                                  value_integer((int64_t) input_text(input, "content").length),
                                  value_uuid_or_null(context->account_id)),
                           NULL, reterr_failure) &&
               add_passages(context, id, language, passages, reterr_failure);
}

static bool add_knowledge(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Text content = input_text(input, "content");
        PassageFormat format = input_choice(input, "format") == 0 ? PASSAGE_MARKDOWN : PASSAGE_PLAIN;
        Text parts[] = { content, input_text(input, "format"), input_text(input, "source"),
                         input_text(input, "language") };
        Hash digest = crypto_sha256_parts(parts, COUNT_OF(parts));
        PassageList passages;
        bool same;
        if (!passages_split(format, content, context->arena, &passages, reterr_failure))
                return failure_prefix(reterr_failure, "'content'");
        if (passages.count == 0)
                return failure_set(reterr_failure, FAILURE_INVALID, "'content' holds no text");
        if (!agent_lock(context, reterr_failure) ||
            !replace_document(context, input_text(input, "name"), &digest, &same, reterr_failure) ||
            (!same && !limit_check(context, LIMIT_MEMORY_MB, (int64_t) content.length, reterr_failure)) ||
            (!same && !insert_document(context, input, &digest, &passages, reterr_failure)))
                return false;
        json_put_integer(context->facts, "passages", (int64_t) passages.count);
        *ret_result = json_new_object();
        json_put_text(*ret_result, "name", input_text(input, "name"));
        json_put_integer(*ret_result, "passages", (int64_t) passages.count);
        json_put_boolean(*ret_result, "changed", !same);
        return true;
}

const Operation knowledge_add = {
        .name = "knowledge-add",
        .summary = "Gives an agent a document to answer from, in Markdown or plain text.",
        .example = "support install.md @docs/install.md --tenant acme",
        .role = ROLE_ADMIN,
        .own_agent = true,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/agents/{agent}/knowledge",
        .input = add_input,
        .run = add_knowledge,
};
