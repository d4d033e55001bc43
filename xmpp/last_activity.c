/* XEP-0012: Last Activity. */
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

#include <stdio.h>

void last_activity_add(Element *result, int64_t seconds) {
        Element *query = element_add(result, TEXT("query"), TEXT(NS_LAST_ACTIVITY));
        char text[24];
        if (!query)
                return;
        snprintf(text, sizeof(text), "%lld", (long long) (seconds > 0 ? seconds : 0));
        element_set(query, TEXT("seconds"), text_copy(query->arena, text_of(text)));
}
