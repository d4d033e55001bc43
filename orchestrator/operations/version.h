/* An agent's version as operations see it: one document whose members are the fields of version_fields, and the prompt,
 * which is sealed beside it. Versions are immutable: a change is a new one.
 *
 * Blocks; one thread.
 */
#pragma once

#include "orchestrator/operations/context.h"

typedef struct VersionDocument {
        Uuid id, owner_id;
        int64_t number;
        Json *document; /* the caller's to free */
        Text prompt;    /* plain; empty = none */
        int64_t created_us;
        Text policy_hash; /* hexadecimal */
        bool hidden;      /* the prompt is from before its agent was taken from its owner: nobody reads it */
} VersionDocument;

void version_release(VersionDocument *version); /* for _cleanup_ */

/* One with nothing in it: every field is there, empty or null, so that equal versions are equal documents. */
void version_blank(VersionDocument *ret_version);
/* number 0: the one in force. FAILURE_NOT_FOUND when the agent has none of this number. */
bool version_read(OperationContext *context, Uuid agent_id, int64_t number, VersionDocument *ret_version,
                  Failure *reterr_failure) _must_check_;
/* Lays the given values over the document; what is absent stays. */
void version_overlay(VersionDocument *version, const Input *input);
/* The fields that decide where that goes which people write to an agent; ends with NULL. */
extern const char *const version_ways_out[];
/* Refuses to change one of them to whom the agent does not belong; the installation's are whose admins they are. NULL:
 * none is changed. */
bool version_check_way_out(const OperationContext *context, const char *way, Failure *reterr_failure) _must_check_;
/* Refuses what this installation cannot run: models and tools it does not have. */
bool version_check(const VersionDocument *version, Failure *reterr_failure) _must_check_;
/* Refuses prices in the input that are below those which the installation has for the version's model. */
bool version_check_price(OperationContext *context, const VersionDocument *version, const Input *input,
                         Failure *reterr_failure) _must_check_;
/* Writes it as the agent's next version under a new id, and fills in id and number; it is not in force by that. */
bool version_add(OperationContext *context, Uuid agent_id, Uuid id, VersionDocument *version,
                 Failure *reterr_failure) _must_check_;
