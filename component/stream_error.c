#include "component/stream_error.h"

#include "xmpp/namespaces.h"

#include <errno.h>
#include <string.h>

typedef struct Explanation {
        const char *condition;
        FailureKind kind;
        const char *sentence;
} Explanation;

static const Explanation explanations[] = {
        { "not-authorized", FAILURE_UNAUTHENTICATED, /* ejabberd's answer in both cases */
          "the server refuses the secret, or does not serve this domain here: its component listener must have the "
          "domain "
          "among its hosts, with the password that component_secret_file holds" },
        { "host-unknown", FAILURE_NOT_FOUND,
          "the server does not serve this domain as a component here: add it to the hosts of the server's component "
          "listener, "
          "and check that this is that listener's port (usually 5347), not the one for clients (5222) or servers "
          "(5269)" },
        { "host-gone", FAILURE_NOT_FOUND, "the server no longer serves this domain as a component" },
        { "conflict", FAILURE_CONFLICT,
          "the domain is taken: another component is connected for it, or the server has it among its own hosts" },
        { "invalid-namespace", FAILURE_INVALID,
          "this port does not speak the component protocol: it may be the server's port for clients (5222) or servers "
          "(5269); the component listener's is usually 5347" },
        { "not-well-formed", FAILURE_INTERNAL, "the server found what we sent not well-formed" },
        { "invalid-xml", FAILURE_INTERNAL, "the server found what we sent invalid" },
        { "invalid-from", FAILURE_INTERNAL, "the server found a sender in what we sent that is not at our domain" },
        { "improper-addressing", FAILURE_INTERNAL, "the server found a stanza of ours without proper addresses" },
        { "policy-violation", FAILURE_POLICY, "the server ended the stream for what its policy forbids" },
        { "system-shutdown", FAILURE_UNAVAILABLE, "the server is shutting down" },
        { "connection-timeout", FAILURE_UNAVAILABLE, "the server did not hear from us in time" },
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
                failure_set(ret_failure, explanations[i].kind, "%s", explanations[i].sentence);
                failure_prefix(ret_failure, "%.*s at %.*s", TEXT_ARGUMENTS(domain), TEXT_ARGUMENTS(endpoint));
                return;
        }
        failure_set(ret_failure, FAILURE_UNAVAILABLE, "%.*s at %.*s: the server ended the stream: %.*s%s%.*s",
                    TEXT_ARGUMENTS(domain), TEXT_ARGUMENTS(endpoint), TEXT_ARGUMENTS(condition),
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
