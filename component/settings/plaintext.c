#include "component/settings/plaintext.h"

static bool is_here(Text host) {
        return host.length == 0 || host.bytes[0] == '/' || text_equal(host, TEXT("localhost")) ||
               text_equal(host, TEXT("::1")) || text_equal(host, TEXT("[::1]")) || text_starts_with(host, TEXT("127."));
}

static Text after(Text text, Text prefix) {
        return (Text){ text.bytes + prefix.length, text.length - prefix.length };
}

/* The host of "host:port", "[address]:port", with a path behind it or not. */
static Text host_of(Text address) {
        Text rest = address, authority = address;
        text_split(&rest, '/', &authority);
        const char *colon = authority.bytes ? memrchr(authority.bytes, ':', authority.length) : NULL;
        bool bracketed = colon && authority.bytes[0] == '[';
        const char *end = bracketed ? memchr(authority.bytes, ']', authority.length) : colon;
        return end ? (Text){ authority.bytes, (size_t) (end - authority.bytes) + bracketed } : authority;
}

static bool endpoint_leaves(const char *endpoint) {
        return !text_starts_with(text_of(endpoint), TEXT("unix:")) && !is_here(host_of(text_of(endpoint)));
}

static bool redis_leaves(const char *redis) {
        Text scheme = TEXT("redis://"), address = text_of(redis);
        return text_starts_with(address, scheme) && !is_here(host_of(after(address, scheme)));
}

static bool models_leave(const char *url) {
        Text scheme = TEXT("http://"), address = text_of(url);
        return text_starts_with(address, scheme) && !is_here(host_of(after(address, scheme)));
}

/* libpq takes lists of hosts; all must be here. Of its TLS modes only verify-full knows whom it talks to. */
static bool database_leaves(const char *conninfo) {
        Text rest = text_of(conninfo), pair, hosts, host;
        bool leaves = false, encrypted = false;
        while (text_split(&rest, ' ', &pair)) {
                if (text_equal(pair, TEXT("sslmode=verify-full")))
                        encrypted = true;
                if (text_starts_with(pair, TEXT("host=")))
                        hosts = after(pair, TEXT("host="));
                else if (text_starts_with(pair, TEXT("hostaddr=")))
                        hosts = after(pair, TEXT("hostaddr="));
                else
                        continue;
                while (text_split(&hosts, ',', &host))
                        leaves = leaves || !is_here(host);
        }
        return leaves && !encrypted;
}

void plaintext_hops(const Settings *settings, PlaintextHop ret_hops[static PLAINTEXT_HOPS]) {
        const PlaintextHop hops[PLAINTEXT_HOPS] = {
                { "server", "allow_plaintext_server", endpoint_leaves(settings->server),
                  settings->allow_plaintext_server },
                { "database", "allow_plaintext_database", database_leaves(settings->database),
                  settings->allow_plaintext_database },
                { "redis", "allow_plaintext_redis", redis_leaves(settings->redis), settings->allow_plaintext_redis },
                { "openai_url", "allow_plaintext_models", settings->openai_url && models_leave(settings->openai_url),
                  settings->allow_plaintext_models },
        };
        memcpy(ret_hops, hops, sizeof(hops));
}

bool plaintext_check(const Settings *settings, Failure *reterr_failure) {
        PlaintextHop hops[PLAINTEXT_HOPS];
        plaintext_hops(settings, hops);
        for (size_t i = 0; i < PLAINTEXT_HOPS; i++)
                if (hops[i].exposed && !hops[i].allowed)
                        return failure_set(
                                reterr_failure, FAILURE_POLICY,
                                "setting '%s' leaves this machine in clear text: encrypt it, tunnel it, or set "
                                "%s if the network is yours",
                                hops[i].setting, hops[i].allowance);
        return true;
}
