/* XEP-0202: Entity Time. Where we are is nobody's business: the offset is that of UTC. */
#include "base/clock.h"
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

void entity_time_add(Element *result, int64_t wall_us) {
        Element *time = element_add(result, TEXT("time"), TEXT(NS_TIME));
        char utc[CLOCK_STRING_SIZE];
        if (!time)
                return;
        clock_format(wall_us, utc);
        memcpy(strchr(utc, '.'), "Z", sizeof("Z")); /* some clients know no fractions */
        element_add_text(time, TEXT("tzo"), TEXT_NONE, TEXT("+00:00"));
        element_add_text(time, TEXT("utc"), TEXT_NONE, text_copy(time->arena, text_of(utc)));
}
