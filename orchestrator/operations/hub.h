/* What operations ask of the hub they run in. The program fills it in (component/hub.c); tests fill in their own. Not
 * the database: an operation writes there itself, and tells the hub afterwards.
 *
 * Called from worker threads; a call posts to the hub thread and waits for it, at most a few seconds, unless it says
 * otherwise, so none may be called from the hub thread itself. Failures are UNAVAILABLE (the hub stops) or TIMED_OUT.
 */
#pragma once

#include "base/json.h"
#include "base/record.h"
#include "orchestrator/directory/directory.h"
#include "orchestrator/governance/budgets.h"
#include "orchestrator/governance/registration.h"
#include "orchestrator/governance/standards.h"
#include "orchestrator/operations/snapshot.h"

typedef struct Hub Hub;
struct Hub {
        const char *name;      /* as its lease has it */
        const char *domains;   /* of agents, separated by spaces; the first is the one new addresses are shown with */
        Uuid installation;     /* the reserved tenant */
        const char *audit_key; /* public half, in base64, of the key that signs the ends of its chains */
        const char *currency;  /* of all money; "EUR" */

        /* Applies committed changes to the directory in memory. Changes and their texts live until it returns. */
        bool (*announce)(Hub *hub, const DirectoryChange *changes, size_t count, Failure *reterr_failure);
        /* Asks that a message be ended as cancelled. True: the request is durable, or the message had ended. */
        bool (*cancel)(Hub *hub, Uuid tenant_id, Uuid message_id, Text by, Failure *reterr_failure);
        /* Puts an event of governance/events.h into the audit beside the operation's own, which needs none; severity
         * empty = its type's, at_us 0 = now. Tells a bare JID a sentence in chat, once a minute of each kind (empty =
         * every time). Both copy what they are given, and do not wait. */
        void (*audit)(Hub *hub, const AuditRecord *record);
        void (*tell)(Hub *hub, Text who, Text kind, Text text);
        bool (*snapshot)(Hub *hub, Arena *arena, Snapshot *ret_snapshot, Failure *reterr_failure);
        /* An array of {name, value, source …}; never secrets. */
        Json *(*settings)(Hub *hub);
        /* What the settings in force say of workspaces; it lives as long as the hub. */
        Registration (*registration)(Hub *hub);
        /* Sends a mail to one address; waits for the mail server's answer, at most half a minute. UNSUPPORTED: the hub
         * has none. */
        bool (*mail)(Hub *hub, Text address, Text subject, Text body, Failure *reterr_failure);
        /* How much of these limits is used on this hub. */
        bool (*limits)(Hub *hub, LimitUse *uses, size_t count, Failure *reterr_failure);
        /* What an account of the budgets has spent and reserved, on all hubs. Asks the cache, not the hub thread.
         * UNAVAILABLE: nobody can say now. */
        bool (*budgets)(Hub *hub, BudgetSubject subject, const BudgetParties *parties, Text zone, int32_t billing_day,
                        BudgetLook *ret_look, Failure *reterr_failure);
        /* The plans in force; they live as long as the hub runs. */
        const Plans *(*plans)(Hub *hub);
        /* Standards beside the built-in ones; NULL: none. They live as long. */
        const Standards *(*standards)(Hub *hub);
};
