#include "orchestrator/governance/standards.h"

#include <stddef.h>

/* Regulation (EU) 2016/679. What only its controller can know (his name, his lawful basis) is not in here. */
static const StandardSection gdpr[] = {
        { "15(1)(a)", "Purposes of the processing", "What each agent is for, and the model that works for it.",
          EVIDENCE_PURPOSES },
        { "15(1)(c)", "Recipients to whom data was disclosed",
          "Who could write to which agent, who manages it, and who may read what was written.", EVIDENCE_ACCESS },
        { "15(3)", "Copies that were given out", "Every export, by whom and when.", EVIDENCE_EXPORTS },
        { "17, 19", "Erasure", "Everything that was deleted or erased, by whom and when.", EVIDENCE_DELETIONS },
        { "30(1)(b)", "Record of processing: purposes", NULL, EVIDENCE_PURPOSES },
        { "30(1)(c)", "Record of processing: categories of persons",
          "People who wrote to agents, counted. Their messages and addresses are sealed (AES-256-GCM) under a key of "
          "the "
          "tenant.",
          EVIDENCE_PERSONS },
        { "30(1)(d)", "Record of processing: recipients", NULL, EVIDENCE_ACCESS },
        { "30(1)(g)", "Record of processing: measures of security",
          "Policies in force. Audit chains are signed every minute and verified by `aiox audit verify`.",
          EVIDENCE_POLICIES },
        { "33(5)", "Breaches and what was done", "Refusals, violations and unusual events, as the audit has them.",
          EVIDENCE_VIOLATIONS },
        { NULL, NULL, NULL, EVIDENCE_COUNT },
};

const Standard standards[] = {
        { "gdpr", "General Data Protection Regulation, articles 15 and 30", gdpr },
        { NULL, NULL, NULL },
};
