/* Standards of compliance, as what they ask to be shown: data only, one table a standard, so that another one is
 * another table. Which evidence there is, and how a report is made of it, is
 * orchestrator/operations/compliance_report.c's.
 */
#pragma once

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
        const char *article, *title;
        const char *note; /* what stands above the evidence; NULL = nothing */
        Evidence evidence;
} StandardSection;

typedef struct Standard {
        const char *name, *title;
        const StandardSection *sections; /* ends with one without article */
} Standard;

/* Names of all, as a field's choices. */
#define STANDARD_NAMES "gdpr"

extern const Standard standards[]; /* in that order; ends with one without name */
