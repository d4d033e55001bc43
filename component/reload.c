#include "component/reload.h"

#include "base/crypto.h"
#include "base/log.h"
#include "base/thread.h"
#include "component/inbox.h"
#include "component/settings/plaintext.h"
#include "component/settings/plans_file.h"
#include "component/settings/standards_file.h"
#include "orchestrator/models/model.h"

/* Settings refer to those before them, and are read without a lock: so they are all kept. */
typedef struct Kept {
        struct Kept *next;
        Settings *loaded;
        Settings merged;      /* into those before */
        Plans *plans;         /* NULL: none of its own */
        Standards *standards; /* the same */
} Kept;

struct Reload {
        Queue *inbox;
        _Atomic(const Settings *) current;
        _Atomic(const Plans *) plans;
        _Atomic(const Standards *) standards;
        pthread_mutex_t lock;
        pthread_t thread;
        bool begun; /* there is a thread to be joined */
        bool running, again;
        Kept *kept; /* the thread's, then reload_free()'s */
};

Reload *reload_new(const Settings *settings, const Plans *plans, const Standards *standards, Queue *inbox) {
        Reload *reload = memory_new(sizeof(*reload));

        reload->inbox = inbox;
        reload->current = settings;
        reload->plans = plans;
        reload->standards = standards;
        pthread_mutex_init(&reload->lock, NULL);
        return reload;
}

const Settings *reload_current(Reload *reload) {
        return reload->current;
}

const Plans *reload_plans(Reload *reload) {
        return reload->plans;
}

const Standards *reload_standards(Reload *reload) {
        return reload->standards;
}

bool standards_load(const Settings *settings, Standards **ret_standards, Failure *reterr_failure) {
        *ret_standards = NULL;
        return !settings->standards_file ||
               standards_read_file(settings->standards_file, ret_standards, reterr_failure);
}

bool plans_load(const Settings *settings, Plans **ret_plans, Failure *reterr_failure) {
        *ret_plans = NULL;
        return !settings->plans_file || plans_read_file(settings->plans_file, ret_plans, reterr_failure);
}

/* A key is asked for only when there is a place to use it. */
bool reload_models(const Settings *settings, Failure *reterr_failure) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        ModelSettings models = { .openai_url = text_of(settings->openai_url),
                                 .allow_private_providers = settings->allow_private_providers };
        Failure failure;

        if (settings->openai_url &&
            !settings_secret(settings, "openai_key_file", arena, &models.openai_key, &failure) &&
            failure.kind != FAILURE_NOT_FOUND) {
                *reterr_failure = failure;
                return false;
        }
        bool ok = model_start(&models, reterr_failure);
        if (models.openai_key.length)
                crypto_wipe((char *) models.openai_key.bytes, models.openai_key.length);
        return ok;
}

static void tell_change(void *count_, const Setting *setting, Text before, Text after) {
        int64_t *count = count_;

        (*count)++;
        if (setting->reloadable)
                log_info("setting changed", "setting", LOG_STRING, setting->name, "from", LOG_TEXT, &before, "to",
                         LOG_TEXT, &after);
        else
                log_warning("setting takes effect at the next start", "setting", LOG_STRING, setting->name, "in force",
                            LOG_TEXT, &before, "written", LOG_TEXT, &after);
}

/* Nothing takes effect before everything is known to be right. */
static bool reload_once(Reload *reload, Failure *reterr_failure) {
        _cleanup_(settings_freep) Settings *loaded = NULL;
        _cleanup_(plans_freep) Plans *plans = NULL;
        _cleanup_(standards_freep) Standards *standards = NULL;
        const Settings *current = reload->current;
        Settings merged;
        int64_t changes = 0;

        if (!settings_load_again(current, &loaded, reterr_failure))
                return false;
        settings_merge(current, loaded, &merged);
        if (!plaintext_check(&merged, reterr_failure) || !plans_load(&merged, &plans, reterr_failure) ||
            !standards_load(&merged, &standards, reterr_failure) || !reload_models(&merged, reterr_failure))
                return false;
        settings_compare(current, loaded, tell_change, &changes);
        Kept *kept = memory_new(sizeof(*kept));
        *kept = (Kept){ reload->kept, loaded, merged, plans, standards };
        loaded = NULL;
        plans = NULL;
        standards = NULL;
        reload->kept = kept;
        reload->plans = kept->plans ? kept->plans : plans_builtin();
        reload->standards = kept->standards;
        reload->current = &kept->merged;
        Note *note = memory_new(sizeof(*note));
        note->kind = NOTE_SETTINGS;
        note->settings = &kept->merged;
        note->plans = reload->plans;
        if (!queue_offer(reload->inbox, &note->item))
                free(note); /* the hub stops */
        log_info("settings read again", "changes", LOG_INTEGER, changes);
        return true;
}

static bool goes_on(Reload *reload) {
        pthread_mutex_lock(&reload->lock);
        bool again = reload->again;
        reload->again = false;
        reload->running = again;
        pthread_mutex_unlock(&reload->lock);
        return again;
}

static void *reload_thread(void *reload_) {
        Reload *reload = reload_;
        Failure failure;

        do
                if (!reload_once(reload, &failure))
                        log_error("settings not read again: those before stay in force", "cause", LOG_STRING,
                                  failure.text);
        while (goes_on(reload));
        return NULL;
}

static void thread_begin(Reload *reload) {
        if (reload->begun)
                pthread_join(reload->thread, NULL); /* it has ended, or is about to */
        reload->begun = reload->running = thread_start(&reload->thread, NULL, reload_thread, reload) == 0;
        if (!reload->begun)
                log_error("settings not read again: no thread can be made");
}

void reload_begin(Reload *reload) {
        pthread_mutex_lock(&reload->lock);
        if (reload->running)
                reload->again = true;
        else
                thread_begin(reload);
        pthread_mutex_unlock(&reload->lock);
}

void reload_free(Reload *reload) {
        if (!reload)
                return;
        if (reload->begun)
                pthread_join(reload->thread, NULL);
        for (Kept *kept = reload->kept, *next; kept; kept = next) {
                next = kept->next;
                settings_free(kept->loaded);
                if (kept->plans)
                        plans_free(kept->plans);
                if (kept->standards)
                        standards_free(kept->standards);
                free(kept);
        }
        pthread_mutex_destroy(&reload->lock);
        free(reload);
}
