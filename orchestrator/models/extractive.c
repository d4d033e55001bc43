/* builtin/extractive: answers with what the agent's documents say, word for word, and where they say it. No network and
 * no invention: a passage is quoted when it holds enough of the question's words, weighted by how rare they are among
 * the passages found; otherwise it says that it found nothing. */
#include "orchestrator/models/dialect.h"
#include "orchestrator/models/words.h"

#include <math.h>

#define QUOTE_SIZE      600 /* bytes of one quotation, about */
#define QUOTES          2
#define ENOUGH          0.34 /* share of the question's weight that a passage must hold */
#define SECOND_IS_CLOSE 0.75 /* of the best one's weight, for a second quotation */
#define PASSAGES_LIMIT  64

typedef struct Question {
        Words words;
        double weights[WORDS_LIMIT];
        double weight; /* of all */
} Question;

static double weigh(const Question *question, uint64_t found) {
        double weight = 0;

        for (size_t i = 0; i < question->words.count; i++)
                if (found & (UINT64_C(1) << i))
                        weight += question->weights[i];
        return weight;
}

/* A word in every passage says little about which one answers; a word in none counts as the rarest. */
static void set_weights(Question *question, const uint64_t *found, size_t count) {
        for (size_t i = 0; i < question->words.count; i++) {
                size_t holders = 0;
                for (size_t j = 0; j < count; j++)
                        holders += (found[j] >> i) & 1;
                question->weights[i] = log(1.5 + (double) count / (double) (holders > 0 ? holders : 1));
                question->weight += question->weights[i];
        }
}

/* Takes the next paragraph off *rest. */
static bool next_paragraph(Text *rest, Text *ret_paragraph) {
        *rest = text_trim(*rest);
        if (rest->length == 0)
                return false;
        const char *end = memmem(rest->bytes, rest->length, "\n\n", 2);
        const size_t length = end ? (size_t) (end - rest->bytes) : rest->length;
        *ret_paragraph = (Text){ rest->bytes, length };
        *rest = (Text){ rest->bytes + length, rest->length - length };
        return true;
}

/* An end of a sentence at i: a mark, then white space, and not after a single character as in "e.g." or "1.". */
static bool ends_sentence(Text text, size_t i) {
        if (!strchr(".!?", text.bytes[i]) || text.bytes[i] == '\0')
                return false;
        if (i + 1 < text.length && text.bytes[i + 1] != ' ' && text.bytes[i + 1] != '\n')
                return false;
        return i >= 2 && text.bytes[i - 2] != ' ' && text.bytes[i - 2] != '.' && text.bytes[i - 2] != '\n';
}

/* Takes the next sentence off *rest, with the white space before it. */
static bool next_sentence(Text *rest, Text *ret_sentence) {
        size_t length = 0;

        if (rest->length == 0)
                return false;
        while (length < rest->length && !ends_sentence(*rest, length))
                length++;
        length += length < rest->length;
        *ret_sentence = (Text){ rest->bytes, length };
        *rest = (Text){ rest->bytes + length, rest->length - length };
        return true;
}

/* Of a long paragraph, the sentences from the best one on. */
static Text best_part(const Question *question, Text paragraph) {
        Text rest = paragraph, sentence, best = paragraph;
        double most = -1;

        if (paragraph.length <= QUOTE_SIZE)
                return paragraph;
        while (next_sentence(&rest, &sentence)) {
                const double weight = weigh(question, words_found(&question->words, sentence));
                if (weight > most) {
                        most = weight;
                        best = sentence;
                }
        }
        rest = (Text){ best.bytes + best.length,
                       (size_t) (paragraph.bytes + paragraph.length - best.bytes) - best.length };
        while (next_sentence(&rest, &sentence) && best.length + sentence.length <= QUOTE_SIZE)
                best.length += sentence.length;
        return text_trim(text_prefix(best, QUOTE_SIZE));
}

/* From the best paragraph on: short ones (a heading line, "do this:", a list's items) take along what follows. */
static Text best_quote(const Question *question, Text content) {
        Text rest = content, paragraph, best = TEXT_NONE;
        double most = -1;

        while (next_paragraph(&rest, &paragraph)) {
                const double weight = weigh(question, words_found(&question->words, paragraph));
                if (weight > most) {
                        most = weight;
                        best = paragraph;
                }
        }
        if (best.length > QUOTE_SIZE)
                return best_part(question, best);
        rest = (Text){ best.bytes + best.length, (size_t) (content.bytes + content.length - best.bytes) - best.length };
        while (next_paragraph(&rest, &paragraph)) {
                const size_t end = (size_t) (paragraph.bytes - best.bytes) + paragraph.length;
                if (end > QUOTE_SIZE)
                        break;
                best.length = end;
        }
        return text_trim(best);
}

static void add_quote(TextBuilder *answer, const ModelPassage *passage, Text quote) {
        Text line;

        if (answer->length > 0)
                text_add_string(answer, "\n\n");
        text_add_repaired(answer, passage->source);
        if (passage->heading.length > 0) {
                text_add_string(answer, passage->source.length > 0 ? ", " : "");
                text_add_repaired(answer, passage->heading);
        }
        text_add_string(answer, ":");
        while (text_split(&quote, '\n', &line)) {
                text_add_string(answer, "\n> ");
                text_add_repaired(answer, line);
        }
}

/* The index of the passage that holds most of the question and is not taken; the better rank decides between equals. */
static size_t pick(const Question *question, const uint64_t *found, size_t count, uint64_t taken) {
        size_t best = count;
        double most = 0;

        for (size_t i = 0; i < count; i++) {
                const double weight = weigh(question, found[i]);
                if (!(taken & (UINT64_C(1) << i)) && weight > most) {
                        most = weight;
                        best = i;
                }
        }
        return best;
}

static void write_answer(const ModelRequest *request, Question *question, TextBuilder *answer) {
        const size_t count = request->passage_count < PASSAGES_LIMIT ? request->passage_count : PASSAGES_LIMIT;
        uint64_t found[PASSAGES_LIMIT] = { 0 }, taken = 0;
        double least = 0;

        for (size_t i = 0; i < count; i++)
                found[i] = words_found(&question->words, request->passages[i].heading) |
                           words_found(&question->words, request->passages[i].content);
        set_weights(question, found, count);
        least = question->weight * ENOUGH;
        for (int i = 0; i < QUOTES; i++) {
                const size_t best = pick(question, found, count, taken);
                if (best == count || weigh(question, found[best]) < least)
                        return;
                least = weigh(question, found[best]) * SECOND_IS_CLOSE;
                taken |= UINT64_C(1) << best;
                add_quote(answer, &request->passages[best], best_quote(question, request->passages[best].content));
        }
}

bool extractive_complete(const ModelRequest *request, Text name, Arena *arena, ModelReply *ret_reply,
                         Failure *reterr_failure) {
        Text text;
        (void) name;

        if (!model_question(request, &text, reterr_failure))
                return false;
        Question question = { .words = words_of(text) };
        _cleanup_(text_builder_release) TextBuilder answer = text_builder(0);
        if (question.words.count == 0)
                text_add_string(&answer, "Ask me a question, and I look for what my documents say about it.");
        else
                write_answer(request, &question, &answer);
        if (answer.length == 0)
                text_add_string(&answer, "I found nothing about that in my documents.");

        ret_reply->content = text_copy(arena, text_built(&answer));
        if (!ret_reply->content.bytes)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE,
                                   "The answer is larger than this message has room for.");
        ret_reply->usage_known = true;
        ret_reply->finish_reason = TEXT("stop");
        if (request->stream)
                request->stream(request->listener, ret_reply->content);
        return true;
}
