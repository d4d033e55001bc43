#include "xmpp/namespaces.h"
#include "xmpp/stanza.h"

static bool append(OutgoingList *list, Arena *arena, Element *element, Text from, Text to) {
        Outgoing *outgoing = arena_take(arena, sizeof(Outgoing));

        if (!outgoing || !element) {
                list->incomplete = true;
                return false;
        }
        outgoing->element = element;
        outgoing->from = from;
        outgoing->to = to;
        if (list->last)
                list->last->next = outgoing;
        else
                list->first = outgoing;
        list->last = outgoing;
        return true;
}

Element *outgoing_add(OutgoingList *list, Arena *arena, StanzaKind kind, StanzaType type, Text id, Text from, Text to) {
        Element *element = element_new(arena, text_of(stanza_kind_name(kind)), TEXT(NS_COMPONENT));

        element_set_optional(element, TEXT("type"), text_of(stanza_type_name(type)));
        element_set_optional(element, TEXT("id"), id);
        return append(list, arena, element, from, to) ? element : NULL;
}

void outgoing_add_again(OutgoingList *list, Arena *arena, const Outgoing *outgoing, Text to) {
        append(list, arena, outgoing->element, outgoing->from, to);
}

static void add_error(Element *stanza, Text space, const char *type, const char *condition, Text text) {
        Element *error = element_add(stanza, TEXT("error"), space);
        element_set(error, TEXT("type"), text_of(type));
        element_add(error, text_of(condition), TEXT(NS_STANZA_ERRORS));
        if (text.length > 0)
                element_add_text(error, TEXT("text"), TEXT(NS_STANZA_ERRORS), text);
}

void stanza_add_error(Element *stanza, Text space, FailureKind kind, Text text) {
        const FailureForm *form = failure_form(kind);
        add_error(stanza, space, form->xmpp_type, form->xmpp_condition, text);
}

void stanza_add_unavailable(Element *stanza, Text text) {
        add_error(stanza, TEXT_NONE, "cancel", "service-unavailable", text);
}

static bool may_be_answered(const Stanza *stanza) {
        switch (stanza->kind) {
        case STANZA_MESSAGE:
                return stanza->type != TYPE_ERROR && stanza->type != TYPE_HEADLINE;
        case STANZA_PRESENCE:
                return stanza->type == TYPE_SUBSCRIBE;
        case STANZA_IQ:
                return stanza->type == TYPE_GET || stanza->type == TYPE_SET;
        default:
                return false;
        }
}

/* NULL when the stanza must not be answered. */
static Element *begin_error(OutgoingList *list, Arena *arena, const Stanza *stanza) {
        if (!may_be_answered(stanza))
                return NULL;
        return outgoing_add(list, arena, stanza->kind, TYPE_ERROR, stanza->id, stanza->to.full, stanza->from.full);
}

void outgoing_add_error(OutgoingList *list, Arena *arena, const Stanza *stanza, FailureKind kind, Text text) {
        stanza_add_error(begin_error(list, arena, stanza), TEXT_NONE, kind, text);
}

void outgoing_add_unavailable(OutgoingList *list, Arena *arena, const Stanza *stanza) {
        stanza_add_unavailable(begin_error(list, arena, stanza), TEXT_NONE);
}

Element *outgoing_add_result(OutgoingList *list, Arena *arena, const Stanza *iq) {
        return outgoing_add(list, arena, STANZA_IQ, TYPE_RESULT, iq->id, iq->to.full, iq->from.full);
}

/* The domain of an address, without looking at how its parts are spelt. */
static Text domain_of(Text address) {
        const char *slash = address.length > 0 ? memchr(address.bytes, '/', address.length) : NULL;
        Text bare = { address.bytes, slash ? (size_t) (slash - address.bytes) : address.length };
        const char *at = bare.length > 0 ? memchr(bare.bytes, '@', bare.length) : NULL;

        if (at)
                return (Text){ at + 1, bare.length - (size_t) (at + 1 - bare.bytes) };
        return bare;
}

static bool check_address(Arena *arena, const char *which, Text address, Failure *reterr_failure) {
        Jid jid;

        if (jid_parse(arena, address, &jid, reterr_failure))
                return true;
        if (reterr_failure)
                reterr_failure->kind = FAILURE_INTERNAL;
        return failure_prefix(reterr_failure, "'%s' of a stanza to be sent", which);
}

bool stanza_stamp(const Outgoing *outgoing, Text domain, Failure *reterr_failure) {
        Element *element = outgoing->element;

        if (!element || element->incomplete)
                return failure_set(reterr_failure, FAILURE_INTERNAL, "a stanza to be sent is incomplete");
        if (!text_equal(domain_of(outgoing->from), domain))
                return failure_set(
                        reterr_failure, FAILURE_INTERNAL, "a stanza was to be sent from '%.*s', not from %.*s",
                        TEXT_ARGUMENTS(text_prefix(outgoing->from, 80)), TEXT_ARGUMENTS(text_prefix(domain, 80)));
        if (outgoing->to.length == 0)
                return failure_set(reterr_failure, FAILURE_INTERNAL, "a stanza was to be sent to nobody");
        if (!check_address(element->arena, "from", outgoing->from, reterr_failure) ||
            !check_address(element->arena, "to", outgoing->to, reterr_failure))
                return false;
        element_set(element, TEXT("from"), outgoing->from);
        element_set(element, TEXT("to"), outgoing->to);
        if (element->incomplete)
                return failure_set(reterr_failure, FAILURE_INTERNAL, "no room for the addresses of a stanza");
        return true;
}
