/* XEP-0199: XMPP Ping. */
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

void ping_request(Element *iq) {
        element_add(iq, TEXT("ping"), TEXT(NS_PING));
}
