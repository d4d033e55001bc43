/* `aiox NOUN VERB …`: an operation, asked of the hub over its Unix socket. A client of the REST door and nothing more:
 * it knows the operations' rows, to parse what was typed and to show the answer, and decides nothing.
 */
#include "component/terminal/terminal.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/nearest.h"
#include "component/shown/screen.h"
#include "component/terminal/secret_prompt.h"
#include "component/terminal/words.h"
#include "orchestrator/http/http.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>

#define ANSWER_LIMIT  (32 * 1024 * 1024)
#define TYPED_LIMIT   (4 * 1024 * 1024)
#define DOCUMENT_SIZE (1024 * 1024)
#define PATIENCE      (120 * SECONDS)

const Option terminal_options[] = {
        { "tenant", "SLUG", "Act in this tenant; the installation's own when absent." },
        { "json", NULL, "Print the answer as JSON." },
        { "yes", NULL, "Do not ask for confirmation." },
        { "socket", "FILE", "The hub's Unix socket; else AIOX_SOCKET, else the settings' api_socket." },
        { "config", "FILE", "Settings to take api_socket from." },
        { "idempotency-key", "KEY", "Repeat a request under its key without doing it twice." },
        { NULL },
};

/* What was typed. */
typedef struct Typed {
        const Operation *operation;
        Arena *arena;
        Json *input;
        const char *tenant, *socket, *config, *key;
        bool json, yes;
} Typed;

bool terminal_option_applies(const Operation *operation, const Option *option) {
        const struct {
                const char *name;
                bool applies;
        } rows[] = {
                { "tenant", operation->scope == SCOPE_TENANT && !operation->tenant_field },
                { "yes", operation->effect == EFFECT_DESTROY },
                { "idempotency-key", operation->effect != EFFECT_READ },
        };
        for (size_t i = 0; i < COUNT_OF(rows); i++)
                if (strcmp(rows[i].name, option->name) == 0)
                        return rows[i].applies;
        return true;
}

static bool set_terminal_option(Typed *typed, Text name, const char *value) {
        struct {
                const char *name;
                const char **text;
                bool *flag;
        } rows[] = {
                { "tenant", &typed->tenant, NULL }, { "json", NULL, &typed->json },
                { "yes", NULL, &typed->yes },       { "socket", &typed->socket, NULL },
                { "config", &typed->config, NULL }, { "idempotency-key", &typed->key, NULL },
        };
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
                if (text_distance(name, text_of(rows[i].name)) != 0)
                        continue;
                if (rows[i].flag)
                        *rows[i].flag = true;
                else
                        *rows[i].text = value;
                return true;
        }
        return false;
}

static const Option *terminal_option(Text name) {
        for (const Option *option = terminal_options; option->name; option++)
                if (text_distance(name, text_of(option->name)) == 0)
                        return option;
        return NULL;
}

static bool unknown_option(const Operation *operation, Text name, Failure *reterr_failure) {
        Nearest nearest = nearest_to(name);
        char hint[NEAREST_HINT_SIZE];
        const Field *field;
        for (size_t i = 0; (field = operation_input(operation, i)); i++)
                nearest_offer(&nearest, text_of(field->name));
        for (const Option *option = terminal_options; option->name; option++)
                nearest_offer(&nearest, text_of(option->name));
        Text noun, verb;
        operation_words(operation, &noun, &verb);
        return failure_set(reterr_failure, FAILURE_INVALID, "`aiox %.*s %.*s` has no option --%.*s%s",
                           TEXT_ARGUMENTS(noun), TEXT_ARGUMENTS(verb), TEXT_ARGUMENTS(text_prefix(name, 64)),
                           nearest_hint(&nearest, hint));
}

/* "@FILE" and "-" of a long text stand for what is in there. */
static bool read_document(Typed *typed, const char *value, Text *ret_text, Failure *reterr_failure) {
        bool standard_input = strcmp(value, "-") == 0;
        if (!standard_input && value[0] != '@') {
                *ret_text = text_of(value);
                return true;
        }
        _cleanup_(close_fdp) int fd = standard_input ? dup(STDIN_FILENO) : open(value + 1, O_RDONLY | O_CLOEXEC);
        char *bytes = arena_take(typed->arena, DOCUMENT_SIZE + 1);
        if (fd < 0 || !bytes)
                return failure_set(reterr_failure, FAILURE_INVALID, "cannot read %s: %s", value + !standard_input,
                                   strerror(errno));
        size_t length = 0;
        for (ssize_t got = 1; got != 0 && length <= DOCUMENT_SIZE; length += (size_t) got)
                if ((got = read(fd, bytes + length, DOCUMENT_SIZE + 1 - length)) < 0)
                        return failure_set(reterr_failure, FAILURE_INVALID, "cannot read %s: %s",
                                           value + !standard_input, strerror(errno));
        if (length > DOCUMENT_SIZE)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "%s is larger than 1 MiB",
                                   value + !standard_input);
        *ret_text = (Text){ bytes, length };
        return true;
}

static bool set_field(Typed *typed, const Field *field, const char *value, Failure *reterr_failure) {
        Text text = text_of(value);
        if (json_member(typed->input, field->name))
                return failure_set(reterr_failure, FAILURE_INVALID, "'%s' is given twice", field->name);
        if (field->type == FIELD_SECRET && !terminal_secret_is_elsewhere(field, value, reterr_failure))
                return false;
        if ((field->type == FIELD_LONG_TEXT || field->type == FIELD_SECRET) &&
            !read_document(typed, value, &text, reterr_failure))
                return false;
        if (field->type == FIELD_SECRET) /* a file ends with a line's end that is no part of it */
                text = text_trim(text);
        if (!text_is_utf8(text))
                return failure_set(reterr_failure, FAILURE_INVALID, "'%s' is not UTF-8", field->name);
        json_put_text(typed->input, field->name, text);
        return true;
}

/* One option and its value; returns how many words that were, 0 on failure. */
static size_t take_option(Typed *typed, char *const *words, Failure *reterr_failure) {
        Text value = { words[0] + 2, strlen(words[0]) - 2 }, name;
        bool attached = strchr(words[0], '=') != NULL;
        text_split(&value, '=', &name);
        const Field *field = operation_field(typed->operation, name);
        const Option *option = field ? NULL : terminal_option(name);
        if (!field && !option) {
                unknown_option(typed->operation, name, reterr_failure);
                return 0;
        }
        bool flag = field ? field->type == FIELD_BOOLEAN : !option->argument;
        const char *given = attached ? value.bytes : flag ? "true" : words[1];
        if (!given) {
                failure_set(reterr_failure, FAILURE_INVALID, "option --%.*s needs a value", TEXT_ARGUMENTS(name));
                return 0;
        }
        bool done = field ? set_field(typed, field, given, reterr_failure) : set_terminal_option(typed, name, given);
        return !done ? 0 : attached || flag ? 1 : 2;
}

/* Words without dashes are the required fields, in order, leaving out those given as options. */
static bool take_operands(Typed *typed, const char **operands, size_t count, Failure *reterr_failure) {
        const Field *field;
        size_t used = 0;
        for (size_t i = 0; used < count && (field = operation_input(typed->operation, i)); i++)
                if (field->need == REQUIRED && !json_member(typed->input, field->name) &&
                    !set_field(typed, field, operands[used++], reterr_failure))
                        return false;
        if (used < count)
                return failure_set(reterr_failure, FAILURE_INVALID, "'%.64s' is one word too many; see --help",
                                   operands[used]);
        return true;
}

static bool parse(Typed *typed, char *const *words, Failure *reterr_failure) {
        size_t count = 0, limit = 0;
        while (words[limit])
                limit++;
        const char **operands = arena_take_array(typed->arena, const char *, limit + 1);
        bool options_end = false;
        while (operands && *words) {
                if (!options_end && strcmp(*words, "--") == 0) {
                        options_end = true;
                        words++;
                } else if (!options_end && strncmp(*words, "--", 2) == 0) {
                        size_t used = take_option(typed, words, reterr_failure);
                        if (used == 0)
                                return false;
                        words += used;
                } else
                        operands[count++] = *words++;
        }
        return take_operands(typed, operands, count, reterr_failure);
}

static void add_encoded(TextBuilder *builder, Text text) {
        for (size_t i = 0; i < text.length; i++) {
                unsigned char c = (unsigned char) text.bytes[i];
                if (isalnum(c) || strchr("-._~@", c))
                        text_add_char(builder, (char) c);
                else
                        text_add_format(builder, "%%%02X", c);
        }
}

/* The path with its {parts} filled in, and everything else of a request without body as its query. */
static bool build_url(const Typed *typed, bool query, TextBuilder *builder, Json *body, Failure *reterr_failure) {
        text_add_string(builder, "http://hub/api/v1");
        for (const char *at = typed->operation->path; *at; at++) {
                if (*at != '{') {
                        text_add_char(builder, *at);
                        continue;
                }
                const char *end = strchr(at, '}');
                char name[64];
                snprintf(name, sizeof(name), "%.*s", (int) (end - at - 1), at + 1);
                Text part = json_to_text(json_member(typed->input, name));
                if (part.length == 0)
                        return failure_set(reterr_failure, FAILURE_INVALID, "'%s' is missing: see --help", name);
                add_encoded(builder, part);
                at = end;
        }
        Text name;
        Json *value;
        char gap = '?';
        for (JsonIterator i = { 0 }; json_each(typed->input, &i, &name, &value);) {
                char part[72];
                snprintf(part, sizeof(part), "{%.*s}", TEXT_ARGUMENTS(name));
                if (strstr(typed->operation->path, part))
                        continue;
                if (!query) {
                        json_put(body, text_string(typed->arena, name), json_clone(value));
                        continue;
                }
                text_add_char(builder, gap);
                add_encoded(builder, name);
                text_add_char(builder, '=');
                add_encoded(builder, json_to_text(value));
                gap = '&';
        }
        return true;
}

static bool find_socket(Typed *typed, Failure *reterr_failure) {
        if (!typed->socket && !typed->config)
                typed->socket = getenv("AIOX_SOCKET");
        if (typed->socket && *typed->socket)
                return true;
        _cleanup_(settings_freep) Settings *settings = NULL;
        if (!settings_load(typed->config, environ, (const char *const[]){ NULL }, &settings, reterr_failure))
                return false;
        typed->socket = text_string(typed->arena, text_of(settings->api_socket));
        return true;
}

static const char *random_key(Arena *arena) {
        uint8_t bytes[16];
        crypto_random(bytes, sizeof(bytes));
        TextBuilder builder = text_builder(64);
        text_add_hex(&builder, bytes, sizeof(bytes));
        const char *key = text_string(arena, text_built(&builder));
        text_builder_release(&builder);
        return key;
}

static bool send_request(Typed *typed, HttpReply *ret_reply, Failure *reterr_failure) {
        bool query = strcmp(typed->operation->method, "GET") == 0 || strcmp(typed->operation->method, "DELETE") == 0;
        TextBuilder url = text_builder(TYPED_LIMIT);
        _cleanup_(json_freep) Json *body = json_new_object();
        HttpHeader headers[3] = { { TEXT("Content-Type"), TEXT("application/json") } };
        size_t header_count = query ? 0 : 1;
        if (typed->operation->effect != EFFECT_READ)
                headers[header_count++] = (HttpHeader){ TEXT("Idempotency-Key"),
                                                        text_of(typed->key ? typed->key : random_key(typed->arena)) };
        if (typed->tenant)
                headers[header_count++] = (HttpHeader){ TEXT("AIOX-Tenant"), text_of(typed->tenant) };
        HttpRequest request = {
                .method = typed->operation->method,
                .unix_socket = typed->socket,
                .headers = headers,
                .header_count = header_count,
                .deadline_us = clock_now().monotonic_us + PATIENCE,
                .body_limit = ANSWER_LIMIT,
        };
        bool done = build_url(typed, query, &url, body, reterr_failure) &&
                    (query || json_canonical(body, typed->arena, &request.body) ||
                     failure_set(reterr_failure, FAILURE_TOO_LARGE, "the input is too large"));
        request.url = text_built(&url);
        done = done && (http_request(&request, typed->arena, ret_reply, reterr_failure) ||
                        failure_prefix(reterr_failure, "no hub answers; is `aiox hub` running"));
        text_builder_release(&url);
        return done;
}

static bool read_reply(const HttpReply *reply, Json **ret_result, Failure *reterr_failure) {
        if (!json_parse(reply->body, ANSWER_LIMIT, ret_result, reterr_failure))
                return failure_prefix(reterr_failure, "the hub's answer (status %d)", reply->status);
        if (reply->status >= 200 && reply->status < 300)
                return true;
        Text code = json_to_text(json_member(*ret_result, "code"));
        Text detail = json_to_text(json_member(*ret_result, "detail"));
        FailureKind kind;
        if (!failure_kind_from_name(code, &kind) || kind == FAILURE_NONE)
                kind = FAILURE_INTERNAL;
        return failure_set(reterr_failure, kind, "%.*s", TEXT_ARGUMENTS(detail));
}

static bool confirm(const Typed *typed, Failure *reterr_failure) {
        if (typed->operation->effect != EFFECT_DESTROY || typed->yes)
                return true;
        if (!isatty(STDIN_FILENO))
                return failure_set(reterr_failure, FAILURE_INVALID, "%s cannot be undone: add --yes",
                                   typed->operation->name);
        TextBuilder summary = text_builder(0);
        terminal_words(&summary, typed->operation, text_of(typed->operation->summary));
        fprintf(stderr, "%s Go on? [y/N] ", summary.bytes);
        text_builder_release(&summary);
        int answer = getchar();
        if (answer == 'y' || answer == 'Y')
                return true;
        return failure_set(reterr_failure, FAILURE_CANCELLED, "nothing was done");
}

static bool ask_hub(Typed *typed, char *const *words, Json **ret_result, Failure *reterr_failure) {
        HttpReply reply;
        if (!parse(typed, words, reterr_failure) || !find_socket(typed, reterr_failure) ||
            !confirm(typed, reterr_failure) ||
            !terminal_ask_secrets(typed->operation, typed->arena, typed->input, reterr_failure))
                return false;
        if (!crypto_start(reterr_failure) || !http_start(&(HttpSettings){ 0 }, reterr_failure))
                return false;
        bool done = send_request(typed, &reply, reterr_failure) && read_reply(&reply, ret_result, reterr_failure);
        http_stop();
        return done;
}

static int fail(const Operation *operation, const Failure *failure) {
        TextBuilder words = text_builder(0);
        Failure said;
        terminal_words(&words, operation, text_of(failure->text));
        failure_set(&said, failure->kind, "%.*s", TEXT_ARGUMENTS(text_built(&words)));
        text_builder_release(&words);
        return command_fail(&said);
}

int terminal_run(const Operation *operation, char *const *words) {
        _cleanup_(arena_freep) Arena *arena = arena_new(ANSWER_LIMIT + TYPED_LIMIT);
        _cleanup_(json_freep) Json *input = json_new_object();
        _cleanup_(json_freep) Json *result = NULL;
        Typed typed = { .operation = operation, .arena = arena, .input = input };
        Failure failure;
        if (!ask_hub(&typed, words, &result, &failure))
                return fail(operation, &failure);
        Screen screen = screen_of(stdout);
        if (typed.json)
                screen_json(&screen, result);
        else
                screen_result(&screen, operation, result);
        return fflush(stdout) == 0 ? 0 : 1;
}
