#include "component/stream_error.h"

#include "xmpp/namespaces.h"

#include <errno.h>

typedef struct Explanation {
        const char *condition;
        FailureKind kind;
        const char *sentence; /* %1$s the domain */
} Explanation;

static const Explanation explanations[] = {
        { "not-authorized", FAILURE_UNAUTHENTICATED,
          "the server refuses the secret for %1$s: what component_secret_file holds and the password that the server's "
          "component listener has for this domain must be the same" },
        { "host-unknown", FAILURE_NOT_FOUND,
          "the server does not serve %1$s as a component here: add it to the hosts of the server's component listener, "
          "and check that this is that listener's port (usually 5347), not the one for clients (5222) or servers (5269)" },
        { "host-gone", FAILURE_NOT_FOUND, "the server no longer serves %1$s as a component" },
        { "conflict", FAILURE_CONFLICT,
          "%1$s is taken: another component is connected for it, or the server has it among its own hosts" },
        { "invalid-namespace", FAILURE_INVALID,
          "this port does not speak the component protocol: it may be the server's port for clients (5222) or servers "
          "(5269); the component listener's is usually 5347" },
        { "not-well-formed", FAILURE_INTERNAL, "the server found what we sent for %1$s not well-formed" },
        { "invalid-xml", FAILURE_INTERNAL, "the server found what we sent for %1$s invalid" },
        { "invalid-from", FAILURE_INTERNAL, "the server found a sender in what we sent that is not at %1$s" },
        { "improper-addressing", FAILURE_INTERNAL, "the server found a stanza for %1$s without proper addresses" },
        { "policy-violation", FAILURE_POLICY, "the server ended the stream of %1$s for what its policy forbids" },
        { "system-shutdown", FAILURE_UNAVAILABLE, "the server is shutting down" },
        { "connection-timeout", FAILURE_UNAVAILABLE, "the server did not hear from us for %1$s in time" },
};

bool stream_error_is(const Element *element) {
        return element_is(element, TEXT("error"), TEXT(NS_STREAMS));
}

static void read_error(const Element *error, Text *ret_condition, Text *ret_text) {
        *ret_condition = TEXT("undefined-condition");
        *ret_text = TEXT_NONE;
        for (const Element *child = error->children; child; child = child->next) {
                if (!text_equal(child->space, TEXT(NS_STREAM_ERRORS)))
                        continue;
                if (text_equal(child->name, TEXT("text")))
                        *ret_text = text_prefix(child->text, 100);
                else
                        *ret_condition = text_prefix(child->name, 40);
        }
}

void stream_error_explain(const Element *error, Text endpoint, Text domain, Failure *ret_failure) {
        Text condition, text;
        read_error(error, &condition, &text);
        for (size_t i = 0; i < COUNT_OF(explanations); i++) {
                if (!text_equal(condition, text_of(explanations[i].condition)))
                        continue;
                char name[80];
                snprintf(name, sizeof(name), "%.*s", TEXT_ARGUMENTS(text_prefix(domain, sizeof(name) - 1)));
                failure_set(ret_failure, explanations[i].kind, explanations[i].sentence, name);
                failure_prefix(ret_failure, "%.*s", TEXT_ARGUMENTS(endpoint));
                return;
        }
        failure_set(ret_failure, FAILURE_UNAVAILABLE, "%.*s: the server ended the stream of %.*s: %.*s%s%.*s",
                    TEXT_ARGUMENTS(endpoint), TEXT_ARGUMENTS(domain), TEXT_ARGUMENTS(condition),
                    text.length > 0 ? ", " : "", TEXT_ARGUMENTS(text));
}

void stream_error_foreign(const Element *header, Text endpoint, Failure *ret_failure) {
        Text space = text_prefix(element_get(header, TEXT("xmlns")), 80);
        if (!element_is(header, TEXT("stream"), TEXT(NS_STREAMS)))
                failure_set(ret_failure, FAILURE_INVALID, "%.*s: what answers there is not an XMPP server",
                            TEXT_ARGUMENTS(endpoint));
        else
                failure_set(ret_failure, FAILURE_INVALID,
                            "%.*s: this is the server's port for %s ('%.*s'), not for components: use the one of its "
                            "component listener, usually 5347",
                            TEXT_ARGUMENTS(endpoint), text_equal(space, TEXT("jabber:server")) ? "servers" : "clients",
                            TEXT_ARGUMENTS(space));
}

void stream_error_unconnected(int error, Text endpoint, Failure *ret_failure) {
        const char *fix = "";
        if (error == ECONNREFUSED || error == ENOENT)
                fix = ": is the server running, and is its component listener there?";
        else if (error == EACCES)
                fix = ": may this user open the server's socket?";
        else if (error == EAGAIN)
                fix = ": the server does not take connections";
        failure_set(ret_failure, FAILURE_UNAVAILABLE, "%.*s: no connection: %s%s", TEXT_ARGUMENTS(endpoint),
                    strerror(error), fix);
}
