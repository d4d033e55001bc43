#include "component/doors/chat_text.h"

#include "base/map.h"
#include "base/nearest.h"
#include "component/doors/chat_words.h"
#include "orchestrator/operations/input.h"
#include "orchestrator/operations/offer.h"

#include <stdio.h>

#define CODE_SLOT_US (10 * 60 * SECONDS)

static Text first_line(Text body, Text *ret_rest) {
        Text rest = body, line;

        text_split(&rest, '\n', &line);
        *ret_rest = rest;
        return text_trim(line);
}

static Text word_of(Text line, Text *ret_rest) {
        Text rest = line, word;

        text_split(&rest, ' ', &word);
        *ret_rest = text_trim(rest);
        return word;
}

ChatText chat_text_read(Text body, bool to_hub) {
        Text rest, line = first_line(body, &rest);
        bool slash = line.length > 1 && line.bytes[0] == '/';
        bool escaped = slash && line.bytes[1] == '/';

        if (escaped) {
                size_t before = (size_t) (line.bytes - body.bytes) + 1;
                return (ChatText){ .command = to_hub, .body = { body.bytes + before, body.length - before } };
        }
        return (ChatText){ .command = slash || to_hub,
                           .stops = !to_hub && slash && text_equal(word_of(line, &rest), TEXT("/stop")),
                           .body = body };
}

/* One command as far as it is known: the operation, what was given for it, and what is asked next. */
typedef struct Call {
        const ChatRequest *request;
        Arena *arena;
        const Operation *operation; /* NULL: there is none under way */
        Json *input;
        Text tenant, code;
        Text help; /* what /help was asked about */
        bool wants_help;
        const Field *asked; /* the field that the next message fills in */
        bool asks_code;
        Failure complaint; /* about the last thing said; NONE = none */
} Call;

static void call_reset(Call *call) {
        json_free(call->input);
        call->input = NULL;
        call->operation = NULL;
        call->tenant = call->code = call->help = TEXT_NONE;
        call->wants_help = call->asks_code = false;
        call->asked = NULL;
        call->complaint = (Failure){ 0 };
}

static bool at_hub(const Call *call) {
        return call->request->agent.length == 0;
}

static const Operation *operation_named(const Call *call, Text name) {
        if (at_hub(call))
                return operation_find(name);
        for (const Operation *const *each = operation_catalogue; *each; each++)
                if ((*each)->chat && text_equal(text_of((*each)->chat), name))
                        return *each;
        return NULL;
}

static void complain_unknown(Call *call, Text name) {
        Nearest nearest = nearest_to(name);
        char hint[NEAREST_HINT_SIZE];

        for (const Operation *const *each = operation_catalogue; *each; each++)
                if (at_hub(call))
                        nearest_offer(&nearest, text_of((*each)->name));
                else if ((*each)->chat)
                        nearest_offer(&nearest, text_of((*each)->chat));
        nearest_hint(&nearest, hint);
        failure_set(&call->complaint, FAILURE_NOT_FOUND,
                    "There is no command /%.*s here%s Write /help to see what there is%s",
                    TEXT_ARGUMENTS(text_prefix(name, 64)), *hint ? hint : ".",
                    at_hub(call) ? "." : "; a text that begins with / is written with //.");
}

/* A word, or what stands between quotes. */
static bool token_next(Text *rest, Arena *arena, Text *ret_token, bool *ret_quoted) {
        TextBuilder token = text_builder(0);
        bool quoted = false, any = false;

        *rest = text_trim(*rest);
        *ret_quoted = false;
        for (; rest->length && (quoted || *rest->bytes != ' '); rest->bytes++, rest->length--) {
                any = true;
                if (*rest->bytes == '"') {
                        quoted = !quoted;
                        *ret_quoted = true;
                        continue;
                }
                if (*rest->bytes == '\\' && quoted && rest->length > 1)
                        rest->bytes++, rest->length--;
                text_add_char(&token, *rest->bytes);
        }
        *ret_token = token.length ? text_copy(arena, text_built(&token)) : TEXT_NONE;
        text_builder_release(&token);
        return any;
}

static bool is_given(const Call *call, const Field *field) {
        return json_member(call->input, field->name) != NULL;
}

/* The field that a word without a name is for: at an agent those that are needed only. */
static const Field *field_open(const Call *call) {
        const Field *field;

        for (int needed = 1; needed >= (at_hub(call) ? 0 : 1); needed--)
                for (size_t i = 0; (field = operation_input(call->operation, i)); i++)
                        if (!is_given(call, field) && (field->need == REQUIRED) == (needed == 1))
                                return field;
        return NULL;
}

static bool is_last_text(const Call *call, const Field *field) {
        const Field *other;

        if (field->type != FIELD_TEXT && field->type != FIELD_LONG_TEXT)
                return false;
        for (size_t i = 0; (other = operation_input(call->operation, i)); i++)
                if (other != field && other->need == REQUIRED && !is_given(call, other))
                        return false;
        return true;
}

static bool take_value(Call *call, const Field *field, Text value) {
        if (!input_value_check(field, value, call->arena, &call->complaint))
                return false;
        json_put_text(call->input, field->name, value);
        return true;
}

static bool take_named(Call *call, Text token, bool *ret_taken) {
        Text value = token, name;

        *ret_taken = false;
        if (!memchr(token.bytes, '=', token.length))
                return true;
        text_split(&value, '=', &name);
        const Field *field = operation_field(call->operation, name);
        if (text_equal(name, TEXT("tenant")) && !field)
                call->tenant = value;
        else if (text_equal(name, TEXT("code")) && !field)
                call->code = value;
        else if (!field)
                return true;
        else if (!take_value(call, field, value))
                return false;
        *ret_taken = true;
        return true;
}

static bool is_code(const Call *call, Text token) {
        int64_t number;

        return call->operation->effect == EFFECT_DESTROY && !field_open(call) && token.length == 4 &&
               text_to_int64(token, &number);
}

static bool take_tokens(Call *call, Text rest) {
        Text token;
        bool quoted, taken;

        while (token_next(&rest, call->arena, &token, &quoted)) {
                const Field *field = field_open(call);
                if (!take_named(call, token, &taken))
                        return false;
                if (taken)
                        continue;
                if (is_code(call, token)) {
                        call->code = token;
                        continue;
                }
                if (!field)
                        return failure_set(
                                &call->complaint, FAILURE_INVALID, "'%.*s' is too much: /help %s says what /%s takes.",
                                TEXT_ARGUMENTS(text_prefix(token, 64)), call->operation->name, call->operation->name);
                if (!quoted && is_last_text(call, field)) {
                        /* Unquoted, it stands as it is before what is left: all of that is one text. */
                        token = text_trim((Text){ rest.bytes - token.length, rest.length + token.length });
                        rest = TEXT_NONE;
                }
                if (!take_value(call, field, token))
                        return false;
        }
        return true;
}

/* What stands below the first line is the long text among the fields. */
static bool take_lines(Call *call, Text lines) {
        const Field *field;

        if (text_trim(lines).length == 0)
                return true;
        for (size_t i = 0; (field = operation_input(call->operation, i)); i++)
                if (field->type == FIELD_LONG_TEXT && !is_given(call, field))
                        return take_value(call, field, lines);
        return failure_set(&call->complaint, FAILURE_INVALID, "/%s takes one line.", call->operation->name);
}

/* What is known already: the agent that is written to, and the thread it is written in. */
static void take_given(Call *call) {
        const Field *field;

        for (size_t i = 0; !at_hub(call) && (field = operation_input(call->operation, i)); i++)
                if (field->type == FIELD_AGENT)
                        json_put_text(call->input, field->name, call->request->agent);
                else if (strcmp(field->name, "thread") == 0 && call->request->thread.length)
                        json_put_text(call->input, field->name, call->request->thread);
}

/* What is asked next, when all that was said is in place. */
static void call_ask(Call *call) {
        const Field *field = field_open(call);

        call->asked = field && field->need == REQUIRED ? field : NULL;
        call->asks_code = !call->asked && call->operation->effect == EFFECT_DESTROY && !call->code.length;
}

/* Some clients keep /help to themselves. */
static bool asks_for_help(Text name) {
        return text_equal(name, TEXT("help")) || text_equal(name, TEXT("commands"));
}

static void take_command(Call *call, Text body) {
        Text lines, rest, line = first_line(body, &lines);
        Text name = word_of(line, &rest);

        call_reset(call);
        name = (Text){ name.bytes + 1, name.length - 1 };
        if (asks_for_help(name)) {
                call->wants_help = true;
                call->help = rest.length && rest.bytes[0] == '/' ? (Text){ rest.bytes + 1, rest.length - 1 } : rest;
                return;
        }
        const Operation *operation = operation_named(call, name);
        if (!operation) {
                complain_unknown(call, name);
                return;
        }
        if (operation_field_of(operation, FIELD_SECRET)) {
                failure_set(&call->complaint, FAILURE_POLICY,
                            "/%s takes a secret, and what is written in a chat is kept by servers and clients: use the "
                            "command's form in your client, or a terminal. If you wrote one here, change it.",
                            operation->name);
                return;
        }
        call->operation = operation;
        call->input = json_new_object();
        take_given(call);
        if (take_tokens(call, rest) && take_lines(call, lines))
                call_ask(call);
        else
                call->operation = NULL;
}

/* An answer to what was asked. A wrong one leaves the question. */
static void take_reply(Call *call, Text body) {
        Text text = text_trim(body);

        call->complaint = (Failure){ 0 };
        if (call->asks_code) {
                call->code = text;
                call->asks_code = false;
        } else if (take_value(call, call->asked, text)) {
                call_ask(call);
        }
}

static bool is_under_way(const Call *call) {
        return call->operation && (call->asked || call->asks_code);
}

static void take_message(Call *call, Text body) {
        bool command = body.length > 1 && body.bytes[0] == '/' && body.bytes[1] != '/';

        if (command)
                take_command(call, text_trim(body));
        else if (is_under_way(call))
                take_reply(call, body);
        else
                call_reset(call);
}

/* Says nothing that is not known to who asks; it only keeps a finger from slipping. */
static void code_of(const Call *call, int64_t slot, char code[static 8]) {
        Text canonical = TEXT_NONE;

        if (!json_canonical(call->input, call->arena, &canonical))
                canonical = TEXT_NONE;
        Text parts[] = { call->request->sender, text_of(call->operation->name), call->tenant, canonical,
                         MAP_KEY(slot) };
        Hash hash = crypto_sha256_parts(parts, COUNT_OF(parts));
        snprintf(code, 8, "%d", 1000 + (hash.bytes[0] << 8 | hash.bytes[1]) % 9000);
}

static bool code_is_right(const Call *call) {
        int64_t slot = call->request->now_us / CODE_SLOT_US;
        char code[8];

        for (int i = 0; i < 2; i++) {
                code_of(call, slot - i, code);
                if (text_equal(call->code, text_of(code)))
                        return true;
        }
        return false;
}

static Caller caller_of(const Call *call) {
        return (Caller){ .principal = call->request->sender,
                         .platform = call->request->platform,
                         .tenant = call->tenant,
                         .message_id = call->request->message_id,
                         .door = "chat" };
}

static bool help_all(Operations *operations, const Call *call, TextBuilder *answer, Failure *reterr_failure) {
        const OperationOffer *offers;
        Caller caller = caller_of(call);
        bool hub = at_hub(call);
        size_t count;

        if (!operations_offered(operations, &caller, call->request->agent, call->arena, &offers, &count,
                                reterr_failure))
                return false;
        text_add_string(answer, count ? "Commands:" : "There is nothing here that you may do.");
        for (size_t i = 0; i < count; i++) {
                if (!hub && !offers[i].operation->chat)
                        continue;
                text_add_string(answer, "\n- ");
                words_listed(answer, offers[i].operation, hub);
        }
        if (hub && count)
                text_add_string(answer, "\n\n/help and a name says what a command takes.");
        if (!hub)
                text_add_string(answer, "\n\nA text that begins with / is written with //.");
        return true;
}

static bool call_help(Operations *operations, const Call *call, TextBuilder *answer, Failure *reterr_failure) {
        const Operation *operation = call->help.length ? operation_named(call, call->help) : NULL;

        if (operation)
                words_usage(answer, operation, at_hub(call));
        else if (call->help.length)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "There is no command /%.*s here.",
                                   TEXT_ARGUMENTS(text_prefix(call->help, 64)));
        return operation || help_all(operations, call, answer, reterr_failure);
}

/* To whom something is open that he may not know of, that is said too. */
static bool call_greet(Operations *operations, const Call *call, TextBuilder *answer, Failure *reterr_failure) {
        const OperationOffer *offers;
        Caller caller = caller_of(call);
        size_t count;

        text_add_string(answer, "I only know commands: write /help to see them.");
        if (!operations_offered(operations, &caller, call->request->agent, call->arena, &offers, &count,
                                reterr_failure))
                return false;
        for (size_t i = 0; i < count; i++)
                if (offers[i].operation->welcome)
                        text_add_format(answer, "\n\n%s", offers[i].operation->welcome);
        return true;
}

static bool call_run(Operations *operations, const Call *call, TextBuilder *answer, Failure *reterr_failure) {
        const ChatRequest *request = call->request;
        char key[UUID_STRING_SIZE];
        Json *result = NULL;

        uuid_format(request->message_id, key);
        Caller caller = caller_of(call);
        caller.request_key = text_of(key);
        if (!operation_call(operations, &caller, call->operation, call->input, &result, reterr_failure))
                return false;
        words_result(answer, call->operation, result);
        json_free(result);
        return true;
}

static bool call_answer(Operations *operations, const Call *call, TextBuilder *answer, Failure *reterr_failure) {
        char code[8];

        if (call->complaint.kind != FAILURE_NONE && call->asked) {
                words_question(answer, call->operation, call->asked, call->complaint.text);
                return true;
        }
        if (call->complaint.kind != FAILURE_NONE) {
                *reterr_failure = call->complaint;
                return false;
        }
        if (call->wants_help)
                return call_help(operations, call, answer, reterr_failure);
        if (!call->operation)
                return call_greet(operations, call, answer, reterr_failure);
        if (call->asked) {
                words_question(answer, call->operation, call->asked, NULL);
                return true;
        }
        if (call->operation->effect != EFFECT_DESTROY || (call->code.length && code_is_right(call)))
                return call_run(operations, call, answer, reterr_failure);
        code_of(call, call->request->now_us / CODE_SLOT_US, code);
        words_confirm(answer, call->operation, code, call->code.length > 0, at_hub(call));
        return true;
}

bool chat_text_answer(Operations *operations, const ChatRequest *request, Arena *arena, Text *ret_answer,
                      Failure *reterr_failure) {
        Call call = { .request = request, .arena = arena };
        TextBuilder answer = text_builder(0);

        for (size_t i = 0; i < request->earlier_count; i++)
                take_message(&call, request->earlier[i]);
        take_message(&call, request->body);
        bool ok = call_answer(operations, &call, &answer, reterr_failure);
        if (ok)
                *ret_answer = text_copy(arena, text_built(&answer));
        text_builder_release(&answer);
        call_reset(&call);
        return ok && (ret_answer->bytes || failure_set(reterr_failure, FAILURE_TOO_LARGE, "The answer is too long."));
}
