#include "orchestrator/governance/guardrails/guardrails.h"
#include "orchestrator/governance/guardrails/kinds.h"

static const Kind *const kinds[] = { &mail_kind,    &phone_kind,  &card_kind,     &key_kind, &words_kind,
                                     &pattern_kind, &length_kind, &language_kind, &leak_kind };
static const char *const place_names[] = { "input", "output" };
static const char *const action_names[] = { "pass", "redact", "warn", "block", "unchecked" };

typedef struct Rule {
        int32_t number;
        bool at[2]; /* by GuardPlace */
        GuardAction action;
        const Kind *kind;
        void *state;
} Rule;

struct Guardrails {
        size_t count;
        Rule rules[GUARDRAILS_MOST];
};

const char *guard_place_name(GuardPlace place) {
        return place_names[place];
}

const char *guard_action_name(GuardAction action) {
        return action_names[action];
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static Text next_word(Text *rest) {
        *rest = text_trim(*rest);
        size_t length = 0;
        while (length < rest->length && rest->bytes[length] != ' ' && rest->bytes[length] != '\t')
                length++;
        Text word = { rest->bytes, length };
        *rest = text_trim((Text){ rest->bytes + length, rest->length - length });
        return word;
}

static bool read_place(Text word, Rule *rule, Failure *reterr_failure) {
        rule->at[GUARD_INPUT] = text_equal(word, TEXT("input")) || text_equal(word, TEXT("both"));
        rule->at[GUARD_OUTPUT] = text_equal(word, TEXT("output")) || text_equal(word, TEXT("both"));
        return rule->at[GUARD_INPUT] || rule->at[GUARD_OUTPUT] ||
               failure_set(reterr_failure, FAILURE_INVALID, "begins with input, output or both");
}

static bool read_action(Text word, Rule *rule, Failure *reterr_failure) {
        for (rule->action = 0; rule->action < GUARD_UNCHECKED; rule->action++)
                if (text_equal(word, text_of(action_names[rule->action])))
                        return true;
        return failure_set(reterr_failure, FAILURE_INVALID, "the second word is pass, redact, warn or block");
}

static bool read_kind(Text word, Rule *rule, Failure *reterr_failure) {
        for (size_t i = 0; i < COUNT_OF(kinds); i++)
                if (text_equal(word, text_of(kinds[i]->name)))
                        rule->kind = kinds[i];
        if (!rule->kind)
                return failure_set(reterr_failure, FAILURE_INVALID,
                                   "there is no kind '%.*s': mail, phone, card, key, words, pattern, length, language "
                                   "and leak are",
                                   TEXT_ARGUMENTS(text_prefix(word, 40)));
        if (rule->kind->output_only && rule->at[GUARD_INPUT])
                return failure_set(reterr_failure, FAILURE_INVALID, "%s is for output only", rule->kind->name);
        if (!rule->kind->stands_in && rule->action == GUARD_REDACT)
                return failure_set(reterr_failure, FAILURE_INVALID,
                                   "%s concerns the text as a whole, of which nothing can be redacted",
                                   rule->kind->name);
        return true;
}

static bool read_argument(Text argument, Rule *rule, Failure *reterr_failure) {
        const Kind *kind = rule->kind;

        if (argument.length == 0 && kind->argument)
                return failure_set(reterr_failure, FAILURE_INVALID, "%s wants an argument", kind->name);
        if (argument.length > 0 && !kind->read)
                return failure_set(reterr_failure, FAILURE_INVALID, "%s takes no argument", kind->name);
        return !kind->read || kind->read(argument, &rule->state, reterr_failure);
}

static bool read_rule(Text line, Rule *rule, Failure *reterr_failure) {
        return read_place(next_word(&line), rule, reterr_failure) &&
               read_action(next_word(&line), rule, reterr_failure) &&
               read_kind(next_word(&line), rule, reterr_failure) && read_argument(line, rule, reterr_failure);
}

bool guardrails_parse(Text rules, Guardrails **ret_guardrails, Failure *reterr_failure) {
        _cleanup_(guardrails_freep) Guardrails *guardrails = NULL;
        Text line;

        *ret_guardrails = NULL;
        for (int number = 1; text_split(&rules, '\n', &line); number++) {
                line = text_trim(line);
                if (line.length == 0 || line.bytes[0] == '#')
                        continue;
                if (!guardrails)
                        guardrails = memory_new(sizeof(*guardrails));
                if (guardrails->count == GUARDRAILS_MOST)
                        return failure_set(reterr_failure, FAILURE_INVALID, "there are more than %d rules",
                                           GUARDRAILS_MOST);
                Rule *rule = &guardrails->rules[guardrails->count];
                rule->number = (int32_t) guardrails->count + 1;
                if (!read_rule(line, rule, reterr_failure))
                        return failure_prefix(reterr_failure, "line %d", number);
                guardrails->count++;
        }
        *ret_guardrails = guardrails;
        guardrails = NULL;
        return true;
}

void guardrails_free(Guardrails *guardrails) {
        if (!guardrails)
                return;
        for (size_t i = 0; i < guardrails->count; i++)
                if (guardrails->rules[i].kind->release)
                        guardrails->rules[i].kind->release(guardrails->rules[i].state);
        free(guardrails);
}

bool guardrails_able(const Guardrails *guardrails, Failure *reterr_failure) {
        for (size_t i = 0; guardrails && i < guardrails->count; i++) {
                const Kind *kind = guardrails->rules[i].kind;
                if (kind->able && !kind->able(reterr_failure))
                        return failure_prefix(reterr_failure, "rule %d", guardrails->rules[i].number);
        }
        return true;
}

bool guardrails_concern(const Guardrails *guardrails, GuardPlace place) {
        for (size_t i = 0; guardrails && i < guardrails->count; i++)
                if (guardrails->rules[i].at[place])
                        return true;
        return false;
}

/* --- asking ------------------------------------------------------------------------------------------------------ */

bool subject_fold(Subject *subject, Failure *reterr_failure) {
        if (!subject->is_folded && !text_fold(subject->text, subject->arena, &subject->folded))
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "The text takes more memory than a turn may.");
        subject->is_folded = true;
        return true;
}

void spans_add(Spans *spans, size_t from, size_t to) {
        if (from >= to)
                return;
        Span *last = spans->items && spans->count ? &spans->items[spans->count - 1] : NULL;
        if (last && from < last->to) {
                if (to > last->to)
                        last->to = to;
                return;
        }
        if (!spans->items || spans->count == spans->capacity) {
                size_t capacity = spans->capacity ? spans->capacity * 2 : 8;
                Span *items = arena_take_array(spans->arena, Span, capacity);
                if (!items) {
                        spans->overflowed = true;
                        return;
                }
                if (spans->items)
                        memcpy(items, spans->items, spans->count * sizeof(*items));
                spans->items = items;
                spans->capacity = capacity;
        }
        spans->items[spans->count++] = (Span){ from, to };
}

void spans_add_folded(Spans *spans, const Subject *subject, size_t from, size_t to) {
        spans_add(spans, folded_origin(&subject->folded, from), folded_origin(&subject->folded, to));
}

void spans_add_all(Spans *spans, const Subject *subject) {
        spans_add(spans, 0, subject->text.length);
}

static bool redact(Subject *subject, const Spans *spans, const char *stands_in, Failure *reterr_failure) {
        Text text = subject->text, word = text_of(stands_in);
        size_t length = text.length + spans->count * word.length, place = 0, built = 0;
        char *bytes = arena_take(subject->arena, length + 1);

        if (!bytes)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "The text takes more memory than a turn may.");
        for (size_t i = 0; i < spans->count; i++) {
                const Span *span = &spans->items[i];
                memcpy(bytes + built, text.bytes + place, span->from - place);
                built += span->from - place;
                memcpy(bytes + built, word.bytes, word.length);
                built += word.length;
                place = span->to;
        }
        memcpy(bytes + built, text.bytes + place, text.length - place);
        subject->text = (Text){ bytes, built + text.length - place };
        subject->is_folded = false;
        return true;
}

static void violation_add(GuardVerdict *verdict, const Rule *rule, GuardPlace place, GuardAction action, size_t count) {
        verdict->violations[verdict->violation_count++] = (Violation){
                .rule = rule->number,
                .kind = rule->kind->name,
                .place = place,
                .action = action,
                .count = (int64_t) count,
        };
}

static bool rule_find(const Rule *rule, Subject *subject, Spans *spans, Failure *reterr_failure) {
        if (!rule->kind->find(rule->state, subject, spans, reterr_failure))
                return false;
        return !spans->overflowed ||
               failure_set(reterr_failure, FAILURE_TOO_LARGE, "The text takes more memory than a turn may.");
}

static bool rule_ask(const Rule *rule, Subject *subject, GuardVerdict *verdict, Failure *reterr_failure) {
        Spans spans = { .arena = subject->arena };
        bool found = rule_find(rule, subject, &spans, reterr_failure);

        if (found && spans.count == 0)
                return true;
        if (!found ||
            (rule->action == GUARD_REDACT && !redact(subject, &spans, rule->kind->stands_in, reterr_failure))) {
                violation_add(verdict, rule, subject->place, GUARD_UNCHECKED, 1);
                return false;
        }
        violation_add(verdict, rule, subject->place, rule->action, spans.count);
        verdict->blocked = rule->action == GUARD_BLOCK;
        verdict->what = verdict->blocked ? rule->kind->found : NULL;
        return true;
}

bool guardrails_ask(const Guardrails *guardrails, GuardPlace place, Text text, const Shingles *secret, Arena *arena,
                    GuardVerdict *ret_verdict, Failure *reterr_failure) {
        Subject subject = { .text = text, .place = place, .secret = secret, .arena = arena };

        *ret_verdict = (GuardVerdict){ .text = text };
        if (!guardrails_concern(guardrails, place) || text.length == 0)
                return true;
        ret_verdict->violations = arena_take_array(arena, Violation, guardrails->count);
        if (!ret_verdict->violations)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "The text takes more memory than a turn may.");
        for (size_t i = 0; i < guardrails->count && !ret_verdict->blocked; i++)
                if (guardrails->rules[i].at[place] &&
                    !rule_ask(&guardrails->rules[i], &subject, ret_verdict, reterr_failure))
                        return false;
        ret_verdict->text = ret_verdict->blocked ? TEXT_NONE : subject.text;
        return true;
}
