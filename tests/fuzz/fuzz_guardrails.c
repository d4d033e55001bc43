/* The first lines, up to an empty one, are rules; what follows is the text that they are asked about. */
#include "orchestrator/governance/guardrails/guardrails.h"
#include "tests/fuzz/fuzz.h"

static void ask(const Guardrails *guardrails, GuardPlace place, Text text, const Shingles *secret) {
        _cleanup_(arena_freep) Arena *arena = arena_new((size_t) 16 * 1024 * 1024);
        GuardVerdict verdict;
        Failure failure;

        if (!guardrails_ask(guardrails, place, text, secret, arena, &verdict, &failure)) {
                PROMISE(failure.kind == FAILURE_POLICY || failure.kind == FAILURE_TOO_LARGE);
                return;
        }
        PROMISE(!text_is_utf8(text) || text_is_utf8(verdict.text));
        PROMISE(!verdict.blocked || (verdict.text.length == 0 && verdict.what));
        PROMISE(verdict.violation_count <= GUARDRAILS_MOST);
        for (size_t i = 0; i < verdict.violation_count; i++)
                PROMISE(verdict.violations[i].count > 0 && verdict.violations[i].place == place);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        Text all = { (const char *) bytes, size }, rules = all, text = all;
        const char *gap = size ? memmem(bytes, size, "\n\n", 2) : NULL;
        Guardrails *guardrails;
        Failure failure;

        if (gap) {
                rules.length = (size_t) (gap - all.bytes);
                text = (Text){ gap + 2, size - rules.length - 2 };
        }
        if (!guardrails_parse(rules, &guardrails, &failure)) {
                PROMISE(failure.kind == FAILURE_INVALID || failure.kind == FAILURE_TOO_LARGE);
                return 0;
        }
        Shingles *secret = shingles_new(text_prefix(text, text.length / 2));
        ask(guardrails, GUARD_INPUT, text, secret);
        ask(guardrails, GUARD_OUTPUT, text, secret);
        shingles_free(secret);
        guardrails_free(guardrails);
        return 0;
}
