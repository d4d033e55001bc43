#include "orchestrator/governance/events.h"

#include <stddef.h>

const EventType event_types[] = {
        { "audit.lost", "critical", "Events came faster than they could be recorded; the facts say how many are not." },
        { "budget.exceeded-bound", "warning",
          "A provider billed more than the bound it was given; it is booked in full." },
        { "message.concluded", "info", "A message that was accepted ended: answered, failed, refused or cancelled." },
        { "message.refused", "warning",
          "A message was refused before it was accepted; one record a minute counts them." },
        { "message.undeliverable", "warning", "An answer came back from the person's server and is not sent again." },
        { "operation.NAME", "info", "An operation was called; the facts say through which door, and what came of it." },
        { "policy.violation", "info",
          "A guardrail found something in a message or an answer; the facts name the rule." },
        { "secret.used", "info",
          "A secret of the tenant was sent to the host it is for; one record a minute of each secret." },
        { "security.domain", "info", "Somebody at a domain that never wrote before wrote to an agent." },
        { "security.domain-refusals", "warning", "Many people of one domain, none with an account, were refused." },
        { "security.refusals", "warning", "Somebody was refused again and again." },
        { "security.volume", "warning", "Somebody wrote far more than on his usual days." },
        { 0 },
};

#define OPERATION_PREFIX "operation."

const EventType *event_type_find(Text type) {
        if (text_starts_with(type, TEXT(OPERATION_PREFIX)))
                type = TEXT(OPERATION_PREFIX "NAME");
        for (const EventType *known = event_types; known->type; known++)
                if (text_equal(type, text_of(known->type)))
                        return known;
        return NULL;
}
