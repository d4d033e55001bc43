/* Standards of compliance, as what they ask to be shown: data only. The GDPR is built in, others are read from a file;
 * a Standards is immutable once it is made, so that any thread may read it. Which evidence there is stands here; how a
 * report is made of it, is orchestrator/operations/compliance_report.c's.
 *
 * Never blocks. Whoever made a Standards frees it, save the built-in ones.
 */
#pragma once

#include "base/failure.h"
#include "base/text.h"

typedef enum Evidence {
        EVIDENCE_ACCESS,     /* who had access to what */
        EVIDENCE_PURPOSES,   /* what agents are for, and by which models */
        EVIDENCE_POLICIES,   /* in force */
        EVIDENCE_PERSONS,    /* of how many people something was taken */
        EVIDENCE_VIOLATIONS, /* refusals, violations of rules, what was unusual */
        EVIDENCE_EXPORTS,
        EVIDENCE_DELETIONS,
        EVIDENCE_COUNT,
} Evidence;

typedef struct StandardSection {
        const char *number, *title; /* "15(1)(a)" */
        const char *note;           /* what stands above the evidence; empty = nothing */
        Evidence evidence;
} StandardSection;

typedef struct Standard {
        const char *name, *title;
        const char *heading; /* stands before each section's number: "Article"; may be empty */
        StandardSection *sections;
        size_t section_count;
} Standard;

typedef struct Standards {
        Standard *items;
        size_t count;
} Standards;

Standards *standards_new(void);
/* Valid until the next one is added. */
Standard *standards_add(Standards *standards, Text name);
StandardSection *standard_add(Standard *standard, Text number, Evidence evidence);
void standards_free(Standards *standards);
DEFINE_RELEASE(Standards *, standards_free)

/* Among the built-in ones and `further`, which may be NULL; the failure lists those there are. */
bool standard_find(const Standards *further, Text name, const Standard **ret_standard,
                   Failure *reterr_failure) _must_check_;
/* "access", "purposes" …; the failure lists them. */
bool evidence_from_name(Text name, Evidence *ret_evidence, Failure *reterr_failure) _must_check_;
