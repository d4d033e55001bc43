/* XEP-0092: Software Version. The operating system is nobody's business. */
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

void software_version_add(Element *result, Text name, Text version) {
        Element *query = element_add(result, TEXT("query"), TEXT(NS_VERSION));
        element_add_text(query, TEXT("name"), TEXT_NONE, name);
        element_add_text(query, TEXT("version"), TEXT_NONE, version);
}
