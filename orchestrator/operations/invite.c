#include "orchestrator/operations/invite.h"

#include <ctype.h>
#include <stdio.h>

void invite_code_make(char ret_code[static INVITE_CODE_SIZE]) {
        uint8_t bytes[16];
        crypto_random(bytes, sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes); i++)
                snprintf(ret_code + 2 * i, 3, "%02x", bytes[i]);
        crypto_wipe(bytes, sizeof(bytes));
}

Hash invite_hash(Text code) {
        char lower[INVITE_CODE_SIZE + 1];
        Text trimmed = text_prefix(text_trim(code), INVITE_CODE_SIZE);
        for (size_t i = 0; i < trimmed.length; i++)
                lower[i] = (char) tolower((unsigned char) trimmed.bytes[i]);
        return crypto_sha256((Text){ lower, trimmed.length });
}

/* Who holds the code of an invitation hears why it does not hold; who guesses hears nothing. */
bool invite_refuse(Text verdict, Failure *reterr_failure) {
        static const struct {
                const char *verdict;
                FailureKind kind;
                const char *sentence;
        } refusals[] = {
                { "expired", FAILURE_POLICY, "this invitation has expired: ask for another one" },
                { "used", FAILURE_POLICY, "this invitation is used up: ask for another one" },
                { "revoked", FAILURE_POLICY, "this invitation was withdrawn" },
        };
        for (size_t i = 0; i < COUNT_OF(refusals); i++)
                if (text_equal(verdict, text_of(refusals[i].verdict)))
                        return failure_set(reterr_failure, refusals[i].kind, "%s", refusals[i].sentence);
        return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such invitation for you");
}
