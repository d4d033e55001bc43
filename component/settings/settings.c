#include "component/settings/settings.h"

#include "base/jid.h"
#include "base/nearest.h"
#include "component/settings/settings_file.h"
#include "orchestrator/http/mail.h"
#include "xmpp/extensions.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define PREFIX       "AIOX_"
#define SECRET_LIMIT 4096
#define VALUE_LIMIT  4096
#define LIST_LIMIT   64

#define AT(member) offsetof(Settings, member)

const Setting settings_table[] = {
        { "hub_name", SETTING_TEXT, AT(hub_name), .fallback = "main",
          .help = "Name of this hub. Two processes of one name replace each other; hubs that share a database need "
                  "different ones." },
        { "domains", SETTING_LIST, AT(domains), .fallback = "agents.localhost",
          .help = "Domains whose addresses are agents, as the XMPP server's component listener names them." },
        { "platform_admins", SETTING_PEOPLE, AT(platform_admins), .reloadable = true,
          .help = "People who administer the whole installation from their chat client, by bare JID; like root on the "
                  "socket. Name only addresses on servers that you trust." },
        { "server", SETTING_ENDPOINT, AT(server), .fallback = "127.0.0.1:5347",
          .help = "The XMPP server's component listener (XEP-0114), not its port for clients." },
        { "component_secret_file", SETTING_SECRET_FILE, AT(component_secret_file),
          .help = "Holds the secret shared with the XMPP server's component listener." },
        { "database", SETTING_CONNINFO, AT(database), .fallback = "host=/var/run/postgresql dbname=aiox",
          .help = "PostgreSQL, as libpq's `name=value` pairs without a user: the hub logs in as aiox_journal, "
                  "aiox_tenant, aiox_platform, aiox_directory and aiox_eraser. Passwords belong in a `passfile`." },
        { "database_owner", SETTING_CONNINFO, AT(database_owner),
          .fallback = "host=/var/run/postgresql dbname=aiox user=aiox_owner",
          .help = "The same with the owner's role as user; for `aiox migrate` and `aiox keep` only." },
        { "redis", SETTING_REDIS, AT(redis), .fallback = "redis://127.0.0.1:6379/0",
          .help = "Redis or Valkey, for budgets, and for rates that hubs share." },
        { "redis_secret_file", SETTING_SECRET_FILE, AT(redis_secret_file),
          .help = "Holds the password of Redis' default user, when it wants one." },
        { "master_key_file", SETTING_FILE, AT(master_key_file), .fallback = "/etc/aiox/master.key",
          .help = "The key that wraps every tenant's key: 32 random bytes in base64. Whoever loses it loses every "
                  "sealed row." },
        { "audit_key_file", SETTING_FILE, AT(audit_key_file),
          .help = "Holds the key that the ends of the audit's chains are signed with; made at the first start. When "
                  "absent, `audit.key` beside the master key." },
        { "audit_heads_file", SETTING_FILE, AT(audit_heads_file),
          .help = "Where the signed ends are kept, a line each; copy it to where the database's owner cannot write. "
                  "When absent, `audit.heads` beside the master key." },
        { "audit_heads_seconds", SETTING_INTEGER, AT(audit_heads_seconds), .fallback = "60", .least = 1, .most = 3600,
          .unit = "seconds", .reloadable = true,
          .help = "How often the ends of those chains are signed that moved: what may be cut off a chain unseen is no "
                  "older." },
        { "audit_witness_jid", SETTING_PEOPLE, AT(audit_witness_jid), .reloadable = true,
          .help = "Who is sent every signed end in chat, so that his archive keeps it; at best on another server." },
        { "security_throttle_seconds", SETTING_INTEGER, AT(security_throttle_seconds), .fallback = "0", .least = 0,
          .most = 604800, .unit = "seconds", .reloadable = true,
          .help = "How long who is refused again and again or writes unusually much, a domain that never wrote before, "
                  "or one of whose people many are refused, is limited to ten messages in ten minutes with the tenant "
                  "whose agents it was. 0 = it is only recorded and told." },
        { "api_socket", SETTING_FILE, AT(api_socket), .fallback = "/run/aiox/hub.sock",
          .help = "Unix socket of the REST interface, which `aiox …` commands speak to." },
        { "workers", SETTING_INTEGER, AT(workers), .fallback = "64", .least = 1, .most = 1024, .unit = "threads",
          .help = "How many turns run at once; more than the widest plan's `turns`, or one tenant may keep all busy." },
        { "batch_messages", SETTING_INTEGER, AT(batch_messages), .fallback = "512", .least = 1, .most = 512,
          .unit = "messages",
          .help = "How many messages share one commit at most. Less only makes it slower: 1 is what the bench compares "
                  "with." },
        { "drain_seconds", SETTING_INTEGER, AT(drain_seconds), .fallback = "20", .least = 0, .most = 3600,
          .unit = "seconds", .reloadable = true,
          .help = "How long a stop waits for running turns before it leaves them to the next start." },
        { "lease_seconds", SETTING_INTEGER, AT(lease_seconds), .fallback = "10", .least = 2, .most = 600,
          .unit = "seconds", .reloadable = true,
          .help = "How long a hub's heartbeat may stand still before another hub takes over." },
        { "turn_seconds", SETTING_INTEGER, AT(turn_seconds), .fallback = "300", .least = 1, .most = 3600,
          .unit = "seconds", .reloadable = true,
          .help = "How long a message may wait for its answer, from when it was accepted." },
        { "sender_rate", SETTING_INTEGER, AT(sender_rate), .fallback = "600", .least = 0, .most = 1000000,
          .unit = "stanzas a minute",
          .help = "How much one person may send, of any kind; as much at once. 0 = without limit." },
        { "domain_rate", SETTING_INTEGER, AT(domain_rate), .fallback = "12000", .least = 0, .most = 10000000,
          .unit = "stanzas a minute", .help = "The same for everybody at one other server together." },
        { "openai_url", SETTING_URL, AT(openai_url), .reloadable = true,
          .help = "Base URL of an OpenAI-compatible provider, ending in /v1: OpenAI, Ollama, llama.cpp, vLLM, "
                  "Mistral." },
        { "openai_key_file", SETTING_SECRET_FILE, AT(openai_key_file), .reloadable = true,
          .help = "Holds that provider's key." },
        { "openai_model", SETTING_TEXT, AT(openai_model),
          .help = "Model of that provider for the installation's own agents." },
        { "allow_private_providers", SETTING_BOOLEAN, AT(allow_private_providers), .fallback = "false",
          .reloadable = true,
          .help = "Permits tenants' own providers (an agent's `provider_url`) at addresses that are not public, which "
                  "lets tenants reach into this machine's network." },
        { "currency", SETTING_TEXT, AT(currency), .fallback = "EUR",
          .help = "What all prices and costs are in, as it is shown beside them." },
        { "docs_folder", SETTING_FILE, AT(docs_folder),
          .help = "Folder of Markdown files that the agent `guide` answers from." },
        { "registration", SETTING_CHOICE, AT(registration), .fallback = "invite", .choices = "open|invite|closed",
          .reloadable = true,
          .help = "Whether people may make workspaces for themselves: one each (`open`), by invitation only, or not at "
                  "all." },
        { "registration_domains", SETTING_LIST, AT(registration_domains), .reloadable = true,
          .help = "Whose people need no invitation where registration is `open`; `*` means the whole world's. Those of "
                  "the server itself when absent: example.org for a hub at agents.example.org." },
        { "tenant_retention_days", SETTING_INTEGER, AT(tenant_retention_days), .fallback = "30", .least = 0,
          .most = 3650, .unit = "days", .reloadable = true,
          .help = "How long a deleted workspace can be restored, before `aiox keep` destroys its key and its rows." },
        { "smtp_url", SETTING_SMTP, AT(smtp_url), .reloadable = true,
          .help = "The mail server that sends codes to people's e-mail addresses, such as "
                  "`smtp://user@mail.example.org:587`. Without it, addresses stay unproved." },
        { "smtp_from", SETTING_TEXT, AT(smtp_from), .reloadable = true, .fallback = "aiox@localhost",
          .help = "The address that such mail comes from." },
        { "smtp_password_file", SETTING_SECRET_FILE, AT(smtp_password_file), .reloadable = true,
          .help = "Holds the password for that server, when it wants one." },
        { "plans_file", SETTING_FILE, AT(plans_file), .reloadable = true,
          .help = "YAML file of the plans that tenants may have; `aiox plan list` shows those in force, and "
                  "docs/limits.md how they are written. The built-in ones when absent." },
        { "standards_file", SETTING_FILE, AT(standards_file), .reloadable = true,
          .help = "YAML file of standards of compliance beside the GDPR, which `aiox compliance report` makes reports "
                  "by; docs/audit.md shows how they are written." },
        { "contact_addresses", SETTING_ADDRESSES, AT(contact_addresses), .reloadable = true,
          .help = "Whom to turn to, as clients show it for each domain (XEP-0157): `KIND=URI` with a kind of abuse, "
                  "admin, feedback, sales, security, status or support, such as `admin=mailto:admin@example.org`." },
        { "log_level", SETTING_CHOICE, AT(log_level), .fallback = "info", .choices = "debug|info|warning|error",
          .reloadable = true, .help = "The least serious record that is logged." },
        { "allow_plaintext_server", SETTING_BOOLEAN, AT(allow_plaintext_server), .fallback = "false",
          .help = "Permits a component connection beyond this machine; XEP-0114 has no encryption." },
        { "allow_plaintext_database", SETTING_BOOLEAN, AT(allow_plaintext_database), .fallback = "false",
          .help = "Permits a database beyond this machine without sslmode=verify-full." },
        { "allow_plaintext_redis", SETTING_BOOLEAN, AT(allow_plaintext_redis), .fallback = "false",
          .help = "Permits Redis beyond this machine; there is no encryption." },
        { "allow_plaintext_models", SETTING_BOOLEAN, AT(allow_plaintext_models), .fallback = "false",
          .help = "Permits a model provider beyond this machine by http://." },
        { "allow_core_dumps", SETTING_BOOLEAN, AT(allow_core_dumps), .fallback = "false",
          .help = "Lets the hub's memory, keys and messages included, be dumped when it crashes, and be read by "
                  "debuggers of its own user, as sanitizers need." },
        { "unsafe", SETTING_BOOLEAN, AT(unsafe), .fallback = "false",
          .help = "Starts although the database may lose what it confirmed (fsync or synchronous_commit is off). Only "
                  "for throw-away data." },
};
const size_t settings_count = COUNT_OF(settings_table);

static const Setting *setting_find(Text name) {
        for (size_t i = 0; i < settings_count; i++)
                if (text_distance(text_of(settings_table[i].name), name) == 0)
                        return &settings_table[i];
        return NULL;
}

bool settings_has(Text name) {
        return setting_find(name) != NULL;
}

bool settings_is_flag(Text name) {
        const Setting *setting = setting_find(name);
        return setting && setting->type == SETTING_BOOLEAN;
}

static bool unknown_setting(Text name, const char *form, Failure *reterr_failure) {
        Nearest nearest = nearest_to(name);
        char hint[NEAREST_HINT_SIZE];
        for (size_t i = 0; i < settings_count; i++)
                nearest_offer(&nearest, text_of(settings_table[i].name));
        Text shown = text_prefix(name, 64);
        return failure_set(reterr_failure, FAILURE_INVALID, "unknown setting '%s%.*s'%s See `aiox settings reference`.",
                           form, TEXT_ARGUMENTS(shown), nearest.name.length ? nearest_hint(&nearest, hint) : ".");
}

static bool wrong_value(const Setting *setting, const char *wanted, Failure *reterr_failure) {
        return failure_set(reterr_failure, FAILURE_INVALID, "setting '%s' must be %s", setting->name, wanted);
}

static bool is_port(Text text) {
        int64_t port;
        return text_to_int64(text, &port) && port >= 1 && port <= 65535;
}

static bool is_endpoint(Text text) {
        if (text_starts_with(text, TEXT("unix:")))
                return text.length > 6 && text.bytes[5] == '/';
        const char *colon = text.bytes ? memrchr(text.bytes, ':', text.length) : NULL;
        if (!colon || colon == text.bytes)
                return false;
        Text host = { text.bytes, (size_t) (colon - text.bytes) };
        bool bracketed = host.bytes[0] == '[' && host.bytes[host.length - 1] == ']';
        if (!bracketed && memchr(host.bytes, ':', host.length))
                return false;
        return is_port((Text){ colon + 1, text.length - host.length - 1 });
}

static bool is_url(Text text) {
        return (text_starts_with(text, TEXT("http://")) && text.length > 7) ||
               (text_starts_with(text, TEXT("https://")) && text.length > 8);
}

static bool is_redis(Text text) {
        if (text_starts_with(text, TEXT("unix:")))
                return is_endpoint(text);
        Text scheme = TEXT("redis://");
        if (!text_starts_with(text, scheme))
                return false;
        Text rest = { text.bytes + scheme.length, text.length - scheme.length }, address;
        int64_t number = 0;
        if (!text_split(&rest, '/', &address) || memchr(address.bytes, '@', address.length))
                return false;
        return is_endpoint(address) && (rest.length == 0 || (text_to_int64(rest, &number) && number >= 0));
}

static bool is_conninfo(Text text) {
        Text rest = text, pair;
        while (text_split(&rest, ' ', &pair))
                if (text_starts_with(pair, TEXT("password=")))
                        return false;
        return text.length == 0 || memchr(text.bytes, '=', text.length) != NULL;
}

static bool is_choice(const char *choices, Text text) {
        Text rest = text_of(choices), choice;
        while (text_split(&rest, '|', &choice))
                if (text_equal(choice, text))
                        return true;
        return false;
}

static bool set_string(Settings *settings, const Setting *setting, Text text, Failure *reterr_failure) {
        const char *string = text_string(settings->arena, text);
        if (!string)
                return wrong_value(setting, "text without NUL", reterr_failure);
        *(const char **) ((char *) settings + setting->offset) = string;
        return true;
}

static bool set_integer(Settings *settings, const Setting *setting, Text text, Failure *reterr_failure) {
        int64_t value;
        if (!text_to_int64(text, &value) || value < setting->least || value > setting->most)
                return failure_set(reterr_failure, FAILURE_INVALID,
                                   "setting '%s' must be a whole number of %s from %lld to %lld", setting->name,
                                   setting->unit, (long long) setting->least, (long long) setting->most);
        *(int64_t *) ((char *) settings + setting->offset) = value;
        return true;
}

static bool set_boolean(Settings *settings, const Setting *setting, Text text, Failure *reterr_failure) {
        bool yes = text_equal(text, TEXT("true")) || text_equal(text, TEXT("yes")) || text_equal(text, TEXT("on"));
        bool no = text_equal(text, TEXT("false")) || text_equal(text, TEXT("no")) || text_equal(text, TEXT("off"));
        if (!yes && !no)
                return wrong_value(setting, "true or false", reterr_failure);
        *(bool *) ((char *) settings + setting->offset) = yes;
        return true;
}

static bool is_list_gap(char c) {
        return c == ',' || isspace((unsigned char) c);
}

/* One item of a list as it is kept; NULL when it is not what the list is of. */
static const char *list_item(Settings *settings, const Setting *setting, Text item) {
        Jid jid;
        if (setting->type != SETTING_PEOPLE)
                return text_string(settings->arena, item);
        return jid_parse(settings->arena, item, &jid, NULL) && jid.local.length > 0 && jid.resource.length == 0
                       ? text_string(settings->arena, jid.bare)
                       : NULL;
}

static bool set_list(Settings *settings, const Setting *setting, Text text, Failure *reterr_failure) {
        const char *items[LIST_LIMIT + 1];
        size_t count = 0, at = 0;
        while (at < text.length) {
                size_t start = at;
                while (at < text.length && !is_list_gap(text.bytes[at]))
                        at++;
                if (at > start) {
                        if (count == LIST_LIMIT)
                                return wrong_value(setting, "a list of at most 64 names", reterr_failure);
                        Text item = { text.bytes + start, at - start };
                        if (!(items[count++] = list_item(settings, setting, item)))
                                return wrong_value(setting,
                                                   setting->type == SETTING_PEOPLE
                                                           ? "a list of bare JIDs such as alice@example.org"
                                                           : "text without NUL",
                                                   reterr_failure);
                } else
                        at++;
        }
        if (count == 0)
                return wrong_value(setting, "a list with at least one name", reterr_failure);
        const char **list = arena_take_array(settings->arena, const char *, count + 1);
        if (!list)
                return wrong_value(setting, "shorter", reterr_failure);
        memcpy(list, items, count * sizeof(*list));
        *(const char ***) ((char *) settings + setting->offset) = list;
        return true;
}

static bool set_addresses(Settings *settings, const Setting *setting, Text text, Failure *reterr_failure) {
        Text kind, uri;
        if (!set_list(settings, setting, text, reterr_failure))
                return false;
        for (const char **item = *(const char ***) ((char *) settings + setting->offset); *item; item++)
                if (!contact_address_parse(text_of(*item), &kind, &uri))
                        return wrong_value(setting,
                                           "a list of KIND=URI, where KIND is abuse, admin, feedback, sales, security, "
                                           "status or support",
                                           reterr_failure);
        return true;
}

static bool set_checked(Settings *settings, const Setting *setting, bool right, Text text, const char *wanted,
                        Failure *reterr_failure) {
        return right ? set_string(settings, setting, text, reterr_failure)
                     : wrong_value(setting, wanted, reterr_failure);
}

static bool setting_set(Settings *settings, const Setting *setting, Text text, Failure *reterr_failure) {
        if (text.length > VALUE_LIMIT || !text_is_utf8(text) || (text.length && memchr(text.bytes, '\n', text.length)))
                return wrong_value(setting, "one line of text in UTF-8, at most 4096 bytes", reterr_failure);
        text = text_trim(text);
        switch (setting->type) {
        case SETTING_TEXT:
                return set_checked(settings, setting, text.length > 0, text, "some text", reterr_failure);
        case SETTING_FILE:
        case SETTING_SECRET_FILE:
                return set_checked(settings, setting, text.length > 0, text, "a path", reterr_failure);
        case SETTING_ENDPOINT:
                return set_checked(settings, setting, is_endpoint(text), text, "HOST:PORT or unix:/PATH",
                                   reterr_failure);
        case SETTING_URL:
                return set_checked(settings, setting, is_url(text), text, "a URL (http:// or https://)",
                                   reterr_failure);
        case SETTING_SMTP:
                return set_checked(settings, setting, mail_url_is_valid(text), text,
                                   "smtp://[USER@]HOST[:PORT] or smtps://…, without a password", reterr_failure);
        case SETTING_REDIS:
                return set_checked(settings, setting, is_redis(text), text, "redis://HOST:PORT/NUMBER or unix:/PATH",
                                   reterr_failure);
        case SETTING_CONNINFO:
                return set_checked(settings, setting, is_conninfo(text), text,
                                   "libpq's name=value pairs without a password (use passfile=…)", reterr_failure);
        case SETTING_CHOICE:
                return set_checked(settings, setting, is_choice(setting->choices, text), text, setting->choices,
                                   reterr_failure);
        case SETTING_INTEGER:
                return set_integer(settings, setting, text, reterr_failure);
        case SETTING_BOOLEAN:
                return set_boolean(settings, setting, text, reterr_failure);
        case SETTING_LIST:
        case SETTING_PEOPLE:
                return set_list(settings, setting, text, reterr_failure);
        case SETTING_ADDRESSES:
                return set_addresses(settings, setting, text, reterr_failure);
        }
        assert(!"a setting of no type");
        return false;
}

bool settings_set(Settings *settings, Text name, Text value, Failure *reterr_failure) {
        const Setting *setting = setting_find(name);
        if (!setting)
                return unknown_setting(name, "", reterr_failure);
        return setting_set(settings, setting, value, reterr_failure);
}

/* "AIOX_HUB_NAME" for "hub_name"; without the _FILE for the secret itself. */
static void environment_name(const Setting *setting, bool secret, char ret_name[static 64]) {
        snprintf(ret_name, 64, PREFIX "%s", setting->name);
        for (char *c = ret_name; *c; c++)
                *c = (char) toupper((unsigned char) *c);
        if (secret)
                ret_name[strlen(ret_name) - strlen("_FILE")] = '\0';
}

/* Other programs' variables may begin like ours, so a name that is no setting is only refused when it is almost one. */
static bool set_from_variable(Settings *settings, Text name, Text value, Failure *reterr_failure) {
        Nearest nearest = nearest_to(name);
        char candidate[64];
        for (size_t i = 0; i < settings_count; i++) {
                const Setting *setting = &settings_table[i];
                environment_name(setting, false, candidate);
                if (text_equal(name, text_of(candidate)))
                        return setting_set(settings, setting, value, reterr_failure) ||
                               failure_prefix(reterr_failure, "in the environment");
                if (text_distance(name, text_of(candidate)) <= 2)
                        nearest_offer(&nearest, text_copy(settings->arena, text_of(candidate)));
                if (setting->type == SETTING_SECRET_FILE) {
                        environment_name(setting, true, candidate);
                        if (text_equal(name, text_of(candidate)))
                                return true;
                }
        }
        char hint[NEAREST_HINT_SIZE];
        if (nearest.name.length == 0)
                return true;
        return failure_set(reterr_failure, FAILURE_INVALID, "unknown setting '%.*s' in the environment%s",
                           TEXT_ARGUMENTS(name), nearest_hint(&nearest, hint));
}

static bool set_from_environment(Settings *settings, char *const *environment, Failure *reterr_failure) {
        for (; *environment; environment++) {
                Text value = text_of(*environment), name;
                if (!text_starts_with(value, TEXT(PREFIX)) || !text_split(&value, '=', &name))
                        continue;
                if (!set_from_variable(settings, name, value, reterr_failure))
                        return false;
        }
        return true;
}

static bool set_from_options(Settings *settings, const char *const *options, Failure *reterr_failure) {
        for (; *options; options++) {
                Text value = text_of(*options), name;
                if (!text_starts_with(value, TEXT("--")) || value.length == 2)
                        return failure_set(reterr_failure, FAILURE_INVALID, "expected an option, not '%.64s'",
                                           *options);
                bool has_value = strchr(*options, '=') != NULL;
                value = (Text){ value.bytes + 2, value.length - 2 };
                text_split(&value, '=', &name);
                const Setting *setting = setting_find(name);
                if (!setting)
                        return unknown_setting(name, "--", reterr_failure);
                if (!has_value && setting->type == SETTING_BOOLEAN)
                        value = TEXT("true");
                else if (!has_value && !options[1])
                        return failure_set(reterr_failure, FAILURE_INVALID, "option --%s needs a value", setting->name);
                else if (!has_value)
                        value = text_of(*++options);
                if (!setting_set(settings, setting, value, reterr_failure))
                        return false;
        }
        return true;
}

static const char *variable(char *const *environment, const char *name) {
        size_t length = strlen(name);
        for (; *environment; environment++)
                if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
                        return *environment + length + 1;
        return NULL;
}

/* The environment's secrets are remembered by name only: settings_secret() asks the environment again. */
bool settings_load(const char *file, char *const *environment, const char *const *options, Settings **ret_settings,
                   Failure *reterr_failure) {
        Arena *arena = arena_new(0);
        _cleanup_(settings_freep) Settings *settings = memory_new(sizeof(*settings));
        settings->arena = arena;
        for (size_t i = 0; i < settings_count; i++)
                if (settings_table[i].fallback &&
                    !setting_set(settings, &settings_table[i], text_of(settings_table[i].fallback), reterr_failure))
                        return false;
        if (!file)
                file = variable(environment, PREFIX "CONFIG");
        settings->file = file;
        settings->environment = environment;
        settings->options = options;
        if (file && !settings_read_file(settings, file, reterr_failure))
                return false;
        if (!set_from_environment(settings, environment, reterr_failure) ||
            !set_from_options(settings, options, reterr_failure))
                return false;
        *ret_settings = settings;
        settings = NULL;
        return true;
}

bool settings_load_again(const Settings *settings, Settings **ret_settings, Failure *reterr_failure) {
        return settings_load(settings->file, settings->environment, settings->options, ret_settings, reterr_failure);
}

static size_t setting_size(const Setting *setting) {
        return setting->type == SETTING_INTEGER   ? sizeof(int64_t)
               : setting->type == SETTING_BOOLEAN ? sizeof(bool)
                                                  : sizeof(void *);
}

void settings_merge(const Settings *current, const Settings *loaded, Settings *ret_merged) {
        *ret_merged = *current;
        for (size_t i = 0; i < settings_count; i++)
                if (settings_table[i].reloadable)
                        memcpy((char *) ret_merged + settings_table[i].offset,
                               (const char *) loaded + settings_table[i].offset, setting_size(&settings_table[i]));
}

void settings_compare(const Settings *current, const Settings *loaded,
                      void (*tell)(void *teller, const Setting *setting, Text before, Text after), void *teller) {
        for (size_t i = 0; i < settings_count; i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                Text before = settings_value(current, &settings_table[i], arena);
                Text after = settings_value(loaded, &settings_table[i], arena);
                if (!text_equal(before, after))
                        tell(teller, &settings_table[i], before, after);
        }
}

void settings_free(Settings *settings) {
        if (settings)
                arena_free(settings->arena);
        free(settings);
}

static bool read_secret_file(const char *name, const char *path, Arena *arena, Text *ret_secret,
                             Failure *reterr_failure) {
        _cleanup_(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        struct stat status;
        if (fd < 0 || fstat(fd, &status) < 0)
                return failure_set(reterr_failure, FAILURE_INVALID, "%s: cannot read %s: %s", name, path,
                                   strerror(errno));
        if (!S_ISREG(status.st_mode) || (status.st_mode & S_IROTH))
                return failure_set(reterr_failure, FAILURE_INVALID,
                                   "%s: %s must be a file that only its owner and group may read: chmod o= %s", name,
                                   path, path);
        char *bytes = arena_take(arena, SECRET_LIMIT + 1);
        ssize_t length = bytes ? read(fd, bytes, SECRET_LIMIT + 1) : -1;
        while (length > 0 && isspace((unsigned char) bytes[length - 1]))
                length--;
        if (length <= 0 || length > SECRET_LIMIT)
                return failure_set(reterr_failure, FAILURE_INVALID, "%s: %s is empty or longer than 4096 bytes", name,
                                   path);
        *ret_secret = (Text){ bytes, (size_t) length };
        return true;
}

bool settings_secret(const Settings *settings, const char *name, Arena *arena, Text *ret_secret,
                     Failure *reterr_failure) {
        const Setting *setting = setting_find(text_of(name));
        assert(setting && setting->type == SETTING_SECRET_FILE);
        char in_environment[64];
        environment_name(setting, true, in_environment);
        const char *secret = getenv(in_environment);
        if (secret && *secret) {
                *ret_secret = text_copy(arena, text_trim(text_of(secret)));
                return true;
        }
        const char *path = *(const char *const *) ((const char *) settings + setting->offset);
        if (!path)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "set %s (or %s in the environment)", name,
                                   in_environment);
        return read_secret_file(name, path, arena, ret_secret, reterr_failure);
}

bool settings_name_admin(const Settings *settings, Text bare) {
        for (const char **admin = settings->platform_admins; admin && *admin; admin++)
                if (text_equal(text_of(*admin), bare))
                        return true;
        return false;
}

Registration settings_registration(const Settings *settings) {
        Registration registration = { .domains = settings->registration_domains,
                                      .retention_days = (int) settings->tenant_retention_days };
        if (!registration_mode_from_name(text_of(settings->registration), &registration.mode))
                registration.mode = REGISTRATION_CLOSED;
        return registration;
}

Text settings_value(const Settings *settings, const Setting *setting, Arena *arena) {
        const void *at = (const char *) settings + setting->offset;
        char number[32];
        switch (setting->type) {
        case SETTING_INTEGER:
                snprintf(number, sizeof(number), "%lld", (long long) *(const int64_t *) at);
                return text_copy(arena, text_of(number));
        case SETTING_BOOLEAN:
                return *(const bool *) at ? TEXT("true") : TEXT("false");
        case SETTING_ADDRESSES:
        case SETTING_LIST:
        case SETTING_PEOPLE: {
                TextBuilder builder = text_builder(VALUE_LIMIT);
                for (const char *const *item = *(const char *const *const *) at; item && *item; item++)
                        text_add_format(&builder, "%s%s", builder.length ? ", " : "", *item);
                Text copy = text_copy(arena, text_built(&builder));
                text_builder_release(&builder);
                return copy;
        }
        default:
                return text_of(*(const char *const *) at);
        }
}
