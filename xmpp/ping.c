/* XEP-0199: XMPP Ping. */
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

bool ping_is(const Stanza *iq) {
        return iq->kind == STANZA_IQ && iq->type == TYPE_GET && iq->payload &&
               element_is(iq->payload, TEXT("ping"), TEXT(NS_PING));
}

void ping_request(Element *iq) {
        element_add(iq, TEXT("ping"), TEXT(NS_PING));
}
