/* The guide: the installation's own agent, which answers from the Markdown files of docs_folder. Made when there is
 * none, and its documents brought up to date, at each start of a hub that has a docs_folder; by the same operations
 * that people use. A guide that somebody else owns, or has deleted, is left alone.
 *
 * guide_start() makes a thread, since all this blocks and needs the hub thread to answer; guide_free() waits for it.
 */
#pragma once

#include "component/settings/settings.h"
#include "orchestrator/operations/call.h"

typedef struct Guide Guide;

/* NULL when there is no docs_folder. */
Guide *guide_start(Operations *operations, const Settings *settings);
void guide_free(Guide *guide);
