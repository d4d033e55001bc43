/* Reload: what SIGHUP asks for. Reads file, environment and options again on a thread of its own, and has those
 * settings take effect that may while the hub runs (`reloadable` in their table); of the others it says that they wait
 * for a restart. Settings with a mistake change nothing. The provider's key is read anew each time.
 *
 * reload_begin() and reload_current() from any thread, never block. What reload_current() gave lives until
 * reload_free(), which waits for what runs; so must the settings that reload_new() was given.
 */
#pragma once

#include "base/queue.h"
#include "component/settings/settings.h"
#include "orchestrator/governance/plans.h"
#include "orchestrator/governance/standards.h"

typedef struct Reload Reload;

/* The hub thread is told by a NOTE_SETTINGS in the inbox. plans, standards: those in force; they outlive the reload. */
Reload *reload_new(const Settings *settings, const Plans *plans, const Standards *standards, Queue *inbox);
void reload_begin(Reload *reload);
/* The settings in force. */
const Settings *reload_current(Reload *reload);
/* The plans in force, which live as long. */
const Plans *reload_plans(Reload *reload);
/* The standards of the file, which live as long; NULL: none but the built-in ones. */
const Standards *reload_standards(Reload *reload);
void reload_free(Reload *reload);

/* The plans that the settings name; NULL when they name none, and the built-in ones are in force. Blocks. */
bool plans_load(const Settings *settings, Plans **ret_plans, Failure *reterr_failure) _must_check_;

/* The standards that the settings name; NULL when they name none. Blocks. */
bool standards_load(const Settings *settings, Standards **ret_standards, Failure *reterr_failure) _must_check_;

/* Gives the settings' provider of models, with its key, to orchestrator/models. Blocks: reads the key's file. */
bool reload_models(const Settings *settings, Failure *reterr_failure) _must_check_;
