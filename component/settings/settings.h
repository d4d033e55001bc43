/* Settings: everything an installation can choose, from one table (settings_table): a YAML file, then AIOX_…
 * environment variables, then --options, later ones winning. An unknown or malformed value is refused with the name
 * nearest to it; nothing is guessed. Not the values of agents or tenants: those are rows of the database. Not secrets:
 * a setting ends in _file and names where a secret stands; settings_secret() reads it, and nothing here prints it.
 *
 * settings_load() reads files and blocks; a Settings is constant afterwards and may be read by any thread. It owns its
 * strings, until settings_free().
 */
#pragma once

#include "base/failure.h"
#include "orchestrator/governance/registration.h"

typedef struct Settings {
        const char *hub_name;
        const char **domains;         /* ends with NULL, never empty */
        const char **platform_admins; /* bare JIDs, normalised; ends with NULL; NULL = none */
        const char *server;           /* "host:port" or "unix:/path" */
        const char *component_secret_file;
        const char *database;       /* libpq conninfo without user */
        const char *database_owner; /* libpq conninfo with user */
        const char *redis;
        const char *redis_secret_file;
        const char *master_key_file;
        const char *audit_key_file, *audit_heads_file; /* NULL: beside the master key */
        const char **audit_witness_jid;                /* bare JIDs; ends with NULL; NULL = nobody */
        const char *api_socket;
        int64_t workers, batch_messages;
        int64_t audit_heads_seconds, security_throttle_seconds;
        int64_t drain_seconds, lease_seconds, turn_seconds;
        int64_t sender_rate, domain_rate; /* stanzas a minute; 0 = without limit */
        const char *openai_url, *openai_key_file, *openai_model;
        const char *currency;
        const char *docs_folder;
        const char *registration;          /* "open", "invite" or "closed" */
        const char **registration_domains; /* NULL = those of the own server */
        int64_t tenant_retention_days;
        const char *smtp_url, *smtp_from, *smtp_password_file;
        const char *plans_file, *standards_file;
        const char **contact_addresses; /* "admin=mailto:…"; ends with NULL; NULL = none */
        const char *log_level;
        bool allow_plaintext_server, allow_plaintext_database, allow_plaintext_redis, allow_plaintext_models;
        bool allow_private_providers; /* tenants' own */
        bool allow_core_dumps;
        bool unsafe;
        /* where they were read from */
        const char *file; /* NULL = none */
        char *const *environment;
        const char *const *options;
        Arena *arena;
} Settings;

typedef enum SettingType {
        SETTING_TEXT,
        SETTING_FILE,     /* a path */
        SETTING_ENDPOINT, /* "host:port", "[address]:port" or "unix:/path" */
        SETTING_URL,      /* http:// or https:// */
        SETTING_SMTP,     /* smtp:// or smtps://, without a password */
        SETTING_REDIS,    /* "redis://host:port/number" or "unix:/path" */
        SETTING_CONNINFO, /* libpq "name=value …"; a password in it is refused */
        SETTING_INTEGER,
        SETTING_BOOLEAN,
        SETTING_CHOICE,
        SETTING_LIST,        /* of names; in the environment and options separated by commas or white space */
        SETTING_PEOPLE,      /* the same of bare JIDs; what is kept is normalised */
        SETTING_ADDRESSES,   /* a list of "kind=uri" (XEP-0157) */
        SETTING_SECRET_FILE, /* a path; the environment may hold the secret itself, in AIOX_<NAME without _FILE> */
} SettingType;

typedef struct Setting {
        const char *name;
        SettingType type;
        size_t offset;
        const char *fallback; /* the default, as it would be written; NULL = none */
        int64_t least, most;  /* of an integer */
        const char *choices;  /* separated by '|' */
        const char *unit;
        bool reloadable; /* takes effect when the settings are read again, without a restart */
        const char *help;
} Setting;

extern const Setting settings_table[];
extern const size_t settings_count;

bool settings_has(Text name);     /* hyphen and underscore count as one */
bool settings_is_flag(Text name); /* as an option it stands alone */

/* environment as in environ; options: "--name", "value", "--name=value", "--flag", ended by NULL; both, and file, must
 * live as long as the settings. file NULL: the one that AIOX_CONFIG names, or none. */
bool settings_load(const char *file, char *const *environment, const char *const *options, Settings **ret_settings,
                   Failure *reterr_failure) _must_check_;
/* The same once more, from where these came. */
bool settings_load_again(const Settings *settings, Settings **ret_settings, Failure *reterr_failure) _must_check_;
/* What is in force when `loaded` comes after `current`: the former's reloadable values, else the latter's. Both must
 * outlive it; it is not to be freed. */
void settings_merge(const Settings *current, const Settings *loaded, Settings *ret_merged);
/* Calls tell() for each setting whose values differ. The texts live during the call. */
void settings_compare(const Settings *current, const Settings *loaded,
                      void (*tell)(void *teller, const Setting *setting, Text before, Text after), void *teller);
void settings_free(Settings *settings);
DEFINE_RELEASE(Settings *, settings_free)

/* The secret that `name` ("component_secret_file") leads to: the environment's AIOX_COMPONENT_SECRET when set, else the
 * file's content without white space at its end. At most 4 KiB; FAILURE_NOT_FOUND when neither is set, FAILURE_INVALID
 * when the file is empty, cannot be read, or may be read by everybody. The caller wipes it. */
bool settings_secret(const Settings *settings, const char *name, Arena *arena, Text *ret_secret,
                     Failure *reterr_failure) _must_check_;

/* Whether a bare JID, normalised, is one of platform_admins. */
bool settings_name_admin(const Settings *settings, Text bare);

/* What the settings say of workspaces that people make; it points into them. */
Registration settings_registration(const Settings *settings);

/* The value in force as it would be written in the file; TEXT_NONE when there is none. */
Text settings_value(const Settings *settings, const Setting *setting, Arena *arena);

/* docs/deployment.md's reference, in Markdown. */
void settings_reference(TextBuilder *builder);
