#include "orchestrator/governance/guardrails/kinds.h"

static bool length_read(Text argument, void **ret_state, Failure *reterr_failure) {
        int64_t most;

        if (!text_to_int64(argument, &most) || most < 1)
                return failure_set(reterr_failure, FAILURE_INVALID, "length wants how many bytes at most");
        int64_t *state = memory_new(sizeof(*state));
        *state = most;
        *ret_state = state;
        return true;
}

static bool length_find(const void *most, Subject *subject, Spans *spans, Failure *reterr_failure) {
        (void) reterr_failure;
        if ((int64_t) subject->text.length > *(const int64_t *) most)
                spans_add_all(spans, subject);
        return true;
}

const Kind length_kind = {
        .name = "length",
        .found = "more text than is allowed at once",
        .argument = true,
        .read = length_read,
        .release = free,
        .find = length_find,
};
