/* The part of the contact door that says what there is: service discovery (XEP-0030) and its sum (XEP-0115). Only for
 * the door; the view's address is one that its asker may see.
 */
#pragma once

#include "component/doors/contact.h"

#define CONTACT_PAGE 100 /* items at most, whatever is asked for */

void contact_add_info(OutgoingList *list, Arena *arena, const Stanza *iq, const ContactView *view);
void contact_add_items(OutgoingList *list, Arena *arena, const Stanza *iq, const ContactView *view);
/* Of the presence that the view's address sends. */
Text contact_caps_version(Arena *arena, const ContactView *view);
