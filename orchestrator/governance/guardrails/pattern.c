#include "orchestrator/governance/guardrails/kinds.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define PATTERN_MOST  1000    /* bytes of an expression */
#define WORK_LEAST    1000000 /* what one text may cost: items tried and characters passed over … */
#define WORK_PER_BYTE 64      /* … and so much more for each of its bytes */
#define HEAP_MOST_KIB 8192
#define DEPTH_MOST    100000

/* An expression and its memory for matching are made once; matching itself is done with what the caller owns, so that
 * threads do not meet. */
typedef struct Pattern {
        pcre2_code *code;
} Pattern;

/* A matcher that backtracks can be sent round in circles by one character of its pattern. So each item it tries and
 * each character it passes over is counted, over the whole text, and past the bound it ends: PCRE2's own limits count
 * from the start again at every place where a match may begin. */
typedef struct Work {
        int64_t left;
        size_t place;
} Work;

static int work_count(pcre2_callout_block *block, void *work_) {
        Work *work = work_;
        size_t place = block->current_position;

        work->left -= 1 + (int64_t) (place > work->place ? place - work->place : work->place - place);
        work->place = place;
        return work->left < 0 ? PCRE2_ERROR_MATCHLIMIT : 0;
}

static void pattern_release(void *pattern_) {
        Pattern *pattern = pattern_;

        if (pattern)
                pcre2_code_free(pattern->code);
        free(pattern);
}

static bool pattern_read(Text argument, void **ret_state, Failure *reterr_failure) {
        uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_AUTO_CALLOUT | PCRE2_NEVER_BACKSLASH_C;
        PCRE2_UCHAR sentence[128];
        PCRE2_SIZE place;
        int error;

        if (argument.length > PATTERN_MOST)
                return failure_set(reterr_failure, FAILURE_INVALID, "the pattern has more than %d bytes", PATTERN_MOST);
        pcre2_compile_context *context = pcre2_compile_context_create(NULL);
        if (!context)
                abort();
        pcre2_set_parens_nest_limit(context, 50);
        pcre2_code *code = pcre2_compile((PCRE2_SPTR) argument.bytes, argument.length, options, &error, &place,
                                         context);
        pcre2_compile_context_free(context);
        if (!code) {
                pcre2_get_error_message(error, sentence, sizeof(sentence));
                return failure_set(reterr_failure, FAILURE_INVALID, "the pattern at its byte %zu: %s", place,
                                   (const char *) sentence);
        }
        Pattern *pattern = memory_new(sizeof(*pattern));
        pattern->code = code;
        *ret_state = pattern;
        return true;
}

/* An empty match is none. True: there may be more from *place on. */
static bool pattern_next(const Pattern *pattern, Text text, pcre2_match_data *match, pcre2_match_context *context,
                         size_t *place, Spans *spans, int *ret_error) {
        PCRE2_SPTR bytes = (PCRE2_SPTR) text.bytes;
        /* The first call has looked at the whole text. */
        uint32_t options = *place ? PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY : PCRE2_NOTEMPTY;
        int count = pcre2_match(pattern->code, bytes, text.length, *place, options, match, context);

        *ret_error = count < 0 && count != PCRE2_ERROR_NOMATCH ? count : 0;
        if (count < 0)
                return false;
        const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(match);
        size_t from = ends[0], to = ends[1];
        if (from < *place)
                from = *place;
        spans_add(spans, from, to);
        *place = to > *place ? to : *place + 1;
        return to > from && *place < text.length;
}

static bool pattern_find(const void *pattern_, Subject *subject, Spans *spans, Failure *reterr_failure) {
        const Pattern *pattern = pattern_;
        Text text = subject->text;
        Work work = { .left = WORK_LEAST + (int64_t) text.length * WORK_PER_BYTE };
        pcre2_match_data *match = pcre2_match_data_create(1, NULL);
        pcre2_match_context *context = pcre2_match_context_create(NULL);
        int error = 0;

        if (!match || !context)
                abort();
        pcre2_set_callout(context, work_count, &work);
        pcre2_set_heap_limit(context, HEAP_MOST_KIB);
        pcre2_set_depth_limit(context, DEPTH_MOST);
        for (size_t place = 0; pattern_next(pattern, text, match, context, &place, spans, &error);) {
        }
        pcre2_match_context_free(context);
        pcre2_match_data_free(match);
        return !error || failure_set(reterr_failure, FAILURE_POLICY,
                                     "A rule's pattern takes too long for this text, so that it cannot be checked.");
}

const Kind pattern_kind = {
        .name = "pattern",
        .found = "text of a form that its owner has ruled out",
        .stands_in = "[removed]",
        .argument = true,
        .read = pattern_read,
        .release = pattern_release,
        .find = pattern_find,
};
