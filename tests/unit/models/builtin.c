/* The built-in models, and the table of dialects. */
#include "orchestrator/models/model.h"
#include "tests/unit/unit.h"

static int pieces;

static void hear(void *listener, Text piece) {
        text_add(listener, piece);
        pieces++;
}

static bool ask(Arena *arena, const char *model, const char *question, ModelPassage *passages, size_t count,
                ModelReply *ret_reply, Failure *ret_failure) {
        ModelMessage messages[] = {
                { .role = MODEL_SYSTEM, .content = TEXT("Answer from the documents.") },
                { .role = MODEL_USER, .content = TEXT("an earlier question about elephants") },
                { .role = MODEL_ASSISTANT, .content = TEXT("an earlier answer") },
                { .role = MODEL_USER, .content = text_of(question) },
        };
        TextBuilder streamed = text_builder(0);
        const ModelRequest request = {
                .model = text_of(model),
                .messages = messages,
                .message_count = COUNT_OF(messages),
                .passages = passages,
                .passage_count = count,
                .stream = hear,
                .listener = &streamed,
        };
        pieces = 0;
        const bool ok = model_complete(&request, arena, ret_reply, ret_failure);
        if (ok)
                ck_assert_text(text_built(&streamed), ret_reply->content);
        text_builder_release(&streamed);
        return ok;
}

START_TEST(echo_answers_the_last_message) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        ModelReply reply;
        Failure failure;
        ck_assert_done(ask(arena, "builtin/echo",
                           "Gr\xC3\xBC\xC3\x9F"
                           "e!\n",
                           NULL, 0, &reply, &failure),
                       failure);
        ck_assert_text(reply.content, TEXT("Gr\xC3\xBC\xC3\x9F"
                                           "e!\n"));
        ck_assert(reply.usage_known);
        ck_assert_int_eq(reply.usage.prompt_tokens + reply.usage.completion_tokens, 0);
        ck_assert_done(ask(arena, "builtin/echo", "half \xE2\x82", NULL, 0, &reply, &failure), failure);
        ck_assert_text(reply.content, TEXT("half \xEF\xBF\xBD\xEF\xBF\xBD"));
}
END_TEST

START_TEST(an_answer_without_room_is_too_large) {
        _cleanup_(arena_freep) Arena *arena = arena_new(8);
        ModelReply reply;
        Failure failure;
        ck_assert(!ask(arena, "builtin/echo", "more than eight bytes", NULL, 0, &reply, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_TOO_LARGE);
}
END_TEST

typedef struct NameCase {
        const char *name;
        bool known;
} NameCase;

static const NameCase names[] = {
        { "builtin/echo", true },
        { "builtin/extractive", true },
        { "builtin/echo2", false },
        { "builtin/", false },
        { "openai/gpt-4o", false },
        /* no provider is set */ { "openai/", false },
        { "openai/a b", false },
        { "gpt-4o", false },
        { "", false },
        { "BUILTIN/ECHO", false },
};

START_TEST(names_are_those_of_the_table) {
        for (size_t i = 0; i < COUNT_OF(names); i++) {
                Failure failure = { 0 };
                ck_assert_msg(model_known(text_of(names[i].name), &failure) == names[i].known, "%s", names[i].name);
                ck_assert_int_eq(failure.kind, names[i].known ? FAILURE_NONE : FAILURE_INVALID);
        }
        /* Who asks no provider uses no tokens: what the two functions say must be the same of every model there is. */
        static const char *const models[] = { "builtin/echo", "builtin/extractive", "openai/gpt-4o" };
        for (size_t i = 0; i < COUNT_OF(models); i++) {
                Failure failure;
                ck_assert_msg(model_is_built_in(text_of(models[i])) !=
                                      model_takes_provider(text_of(models[i]), &failure),
                              "%s", models[i]);
        }
}
END_TEST

typedef struct Part {
        const char *source, *heading, *content;
} Part;

static const Part guide_parts[] = {
        { "README.md", "AIOX \u203A Installing",
          "The program is installed from Debian's packages by one command, run in a fresh clone:\n\n./quickstart\n\n"
          "It builds a release, creates private data and starts the hub." },
        { "docs/limits.md", "Limits",
          "An account may send sixty messages a minute. Beyond that it is told to wait. Administrators can raise the "
          "rate of "
          "a tenant." },
        { "docs/limits.md", "Limits \u203A Budgets",
          "A budget is money. No model is called unless its price fits into what is left of the budget of this "
          "month." },
        { "docs/agents.md", "Agents \u203A Pausing",
          "An operator can pause an agent. A paused agent refuses new messages and says why." },
};

static ModelPassage guide[COUNT_OF(guide_parts)];

static void open_guide(void) {
        for (size_t i = 0; i < COUNT_OF(guide); i++)
                guide[i] = (ModelPassage){ .source = text_of(guide_parts[i].source),
                                           .heading = text_of(guide_parts[i].heading),
                                           .content = text_of(guide_parts[i].content) };
}

typedef struct QuestionCase {
        const char *question, *source, *quoted; /* source NULL: nothing is found */
} QuestionCase;

static const QuestionCase questions[] = {
        { "How do I install it?", "README.md, AIOX \u203A Installing:", "> ./quickstart" },
        { "installation on debian?", "README.md, AIOX \u203A Installing:", "> The program is installed" },
        { "How many messages may an account send per minute?",
          "docs/limits.md, Limits:", "> An account may send sixty messages" },
        { "what about budgets", "docs/limits.md, Limits \u203A Budgets:", "> A budget is money." },
        { "Why does a paused agent refuse my message?",
          "docs/agents.md, Agents \u203A Pausing:", "> An operator can pause" },
        { "What is the capital of France?", NULL, NULL },
        { "Who wrote the magic flute in 1791?", NULL, NULL },
        { "elephants", NULL, NULL },
};

START_TEST(extractive_quotes_the_passage_that_answers) {
        open_guide();
        for (size_t i = 0; i < COUNT_OF(questions); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                ModelReply reply;
                Failure failure;
                ck_assert_done(ask(arena, "builtin/extractive", questions[i].question, guide, COUNT_OF(guide), &reply,
                                   &failure),
                               failure);
                if (!questions[i].source) {
                        ck_assert_text(reply.content, TEXT("I found nothing about that in my documents."));
                        continue;
                }
                ck_assert_msg(text_starts_with(reply.content, text_of(questions[i].source)), "%s: %s",
                              questions[i].question, reply.content.bytes);
                ck_assert_msg(strstr(reply.content.bytes, questions[i].quoted) != NULL, "%s: %s", questions[i].question,
                              reply.content.bytes);
                ck_assert_int_eq(pieces, 1);
        }
}
END_TEST

START_TEST(extractive_without_passages_says_so) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        ModelReply reply;
        Failure failure;
        open_guide();
        ck_assert_done(ask(arena, "builtin/extractive", "How do I install it?", NULL, 0, &reply, &failure), failure);
        ck_assert_text(reply.content, TEXT("I found nothing about that in my documents."));
        ck_assert_done(
                ask(arena, "builtin/extractive", "Hello, can you help me?", guide, COUNT_OF(guide), &reply, &failure),
                failure);
        ck_assert_text(reply.content, TEXT("Ask me a question, and I look for what my documents say about it."));
}
END_TEST

START_TEST(extractive_keeps_long_passages_short_and_whole) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(text_builder_release) TextBuilder content = text_builder(0);
        for (int i = 0; i < 40; i++)
                text_add_string(&content, "Nothing of interest stands in this sentence of \xC3\xBC"
                                          "bermut. ");
        text_add_string(&content, "The answer is forty-two, as everybody knows. ");
        for (int i = 0; i < 40; i++)
                text_add_string(&content, "And nothing again \xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC. ");
        ModelPassage passage = { TEXT("long.md"), TEXT_NONE, text_built(&content), 1 };
        ModelReply reply;
        Failure failure;
        ck_assert_done(ask(arena, "builtin/extractive", "What is the answer?", &passage, 1, &reply, &failure), failure);
        ck_assert(text_starts_with(reply.content, TEXT("long.md:\n> The answer is forty-two, as everybody knows.")));
        ck_assert_uint_lt(reply.content.length, 700);
        ck_assert(text_is_utf8(reply.content));
}
END_TEST

UNIT_TESTS("models/builtin", echo_answers_the_last_message, an_answer_without_room_is_too_large,
           names_are_those_of_the_table, extractive_quotes_the_passage_that_answers,
           extractive_without_passages_says_so, extractive_keeps_long_passages_short_and_whole)
