#include "xmpp/stanza.h"

#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

typedef struct KindForm {
        const char *name;
        StanzaType first, last; /* types of this kind, beside error */
        StanzaType otherwise;   /* for a value that the RFCs do not know */
} KindForm;

static const KindForm kinds[STANZA_KIND_COUNT] = {
        [STANZA_MESSAGE] = { "message", TYPE_NORMAL, TYPE_HEADLINE, TYPE_NORMAL },
        [STANZA_PRESENCE] = { "presence", TYPE_AVAILABLE, TYPE_PROBE, TYPE_UNKNOWN },
        [STANZA_IQ] = { "iq", TYPE_GET, TYPE_RESULT, TYPE_UNKNOWN },
};

static const char *const type_names[TYPE_COUNT] = {
        [TYPE_NORMAL] = "",
        [TYPE_CHAT] = "chat",
        [TYPE_GROUPCHAT] = "groupchat",
        [TYPE_HEADLINE] = "headline",
        [TYPE_AVAILABLE] = "",
        [TYPE_UNAVAILABLE] = "unavailable",
        [TYPE_SUBSCRIBE] = "subscribe",
        [TYPE_SUBSCRIBED] = "subscribed",
        [TYPE_UNSUBSCRIBE] = "unsubscribe",
        [TYPE_UNSUBSCRIBED] = "unsubscribed",
        [TYPE_PROBE] = "probe",
        [TYPE_GET] = "get",
        [TYPE_SET] = "set",
        [TYPE_RESULT] = "result",
        [TYPE_ERROR] = "error",
        [TYPE_UNKNOWN] = "",
};

typedef struct Extension {
        const char *space;
        void (*read)(const Element *child, Stanza *stanza);
} Extension;

static const Extension extensions[] = {
        { NS_STANZA_IDS, stanza_ids_read },
        { NS_RECEIPTS, receipts_read },
        { NS_CHAT_STATES, chat_states_read },
        { NS_DELAY, delay_read },
        { NS_HINTS, hints_read },
        { NS_CARBONS, carbons_read },
        { NS_CORRECTION, correction_read },
        { NS_RETRACTION, retraction_read },
        { NS_ATTACHING, attached_read },
        { NS_MARKERS, markers_read },
        { NS_REPLIES, replies_read },
        { NS_REACTIONS, reactions_read },
        { NS_ENCRYPTION, encryption_read },
        { NS_OMEMO, encryption_read },
        { NS_OMEMO_LEGACY, encryption_read },
        { NS_OPENPGP, encryption_read },
        { NS_OPENPGP_LEGACY, encryption_read },
};

const char *stanza_kind_name(StanzaKind kind) {
        return kinds[kind].name;
}

const char *stanza_type_name(StanzaType type) {
        return type_names[type];
}

static bool read_kind(const Element *element, StanzaKind *ret_kind) {
        for (size_t i = 0; i < STANZA_KIND_COUNT; i++)
                if (text_equal(element->name, text_of(kinds[i].name))) {
                        *ret_kind = (StanzaKind) i;
                        return true;
                }
        return false;
}

static StanzaType read_type(const Element *element, StanzaKind kind) {
        Text name = element_get(element, TEXT("type"));
        const KindForm *form = &kinds[kind];

        if (text_equal(name, TEXT("error")))
                return TYPE_ERROR;
        for (int type = (int) form->first; type <= (int) form->last; type++)
                if (text_equal(name, text_of(type_names[type])))
                        return (StanzaType) type;
        return form->otherwise;
}

static bool read_address(const Element *element, Text name, Jid *ret_jid, Failure *reterr_failure) {
        Text value = element_get(element, name);

        if (value.length == 0)
                return failure_set(reterr_failure, FAILURE_INVALID, "a stanza has no '%.*s'", TEXT_ARGUMENTS(name));
        return jid_parse(element->arena, value, ret_jid, reterr_failure);
}

static void read_error(const Element *child, Stanza *stanza) {
        stanza->error.type = element_get(child, TEXT("type"));
        for (const Element *part = child->children; part; part = part->next) {
                if (!text_equal(part->space, TEXT(NS_STANZA_ERRORS)))
                        continue;
                if (text_equal(part->name, TEXT("text")))
                        stanza->error.text = part->text;
                else
                        stanza->error.condition = part->name;
        }
}

/* The stanza's own children: those in its own namespace. */
static void read_own(const Element *child, Stanza *stanza) {
        if (text_equal(child->name, TEXT("error"))) {
                read_error(child, stanza);
        } else if (stanza->kind != STANZA_MESSAGE) {
                return;
        } else if (text_equal(child->name, TEXT("body"))) {
                if (!stanza->has_body) /* others are translations, RFC 6121 §5.2.3 */
                        stanza->body = child->text;
                stanza->has_body = true;
        } else if (text_equal(child->name, TEXT("subject"))) {
                stanza->subject = child->text;
        } else if (text_equal(child->name, TEXT("thread"))) {
                stanza->thread = child->text;
        }
}

static void read_extension(const Element *child, Stanza *stanza) {
        for (size_t i = 0; i < COUNT_OF(extensions); i++)
                if (text_equal(child->space, text_of(extensions[i].space))) {
                        extensions[i].read(child, stanza);
                        return;
                }
}

bool stanza_read(const Element *element, Stanza *ret_stanza, Failure *reterr_failure) {
        Stanza stanza = { .element = element };

        if (!read_kind(element, &stanza.kind))
                return failure_set(reterr_failure, FAILURE_INVALID, "<%.*s/> is not a stanza",
                                   TEXT_ARGUMENTS(text_prefix(element->name, 80)));
        if (!read_address(element, TEXT("from"), &stanza.from, reterr_failure) ||
            !read_address(element, TEXT("to"), &stanza.to, reterr_failure))
                return false;
        stanza.type = read_type(element, stanza.kind);
        stanza.id = element_get(element, TEXT("id"));
        if (stanza.kind == STANZA_IQ)
                stanza.payload = element->children;
        for (const Element *child = element->children; child; child = child->next) {
                if (text_equal(child->space, element->space))
                        read_own(child, &stanza);
                else if (stanza.kind == STANZA_MESSAGE)
                        read_extension(child, &stanza);
        }
        if (stanza.kind == STANZA_MESSAGE && !fallback_strip(&stanza))
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "a message's body has no room");
        *ret_stanza = stanza;
        return true;
}
