/* Registration: whether people may make workspaces for themselves, as the settings say. A rule and its data; what
 * follows from it is the operations' work.
 *
 * Pure; any thread.
 */
#pragma once

#include "base/text.h"

typedef enum RegistrationMode {
        REGISTRATION_OPEN,   /* one for everybody at one of the domains; more by invitation */
        REGISTRATION_INVITE, /* by invitation only */
        REGISTRATION_CLOSED,
        REGISTRATION_MODE_COUNT,
} RegistrationMode;

typedef struct Registration {
        RegistrationMode mode;
        const char *const *domains; /* of people who need no invitation, "*" = all; ends with NULL; NULL = those of the
                                     * hub's own server */
        int retention_days;         /* for which a deleted workspace can be restored */
} Registration;

bool registration_mode_from_name(Text name, RegistrationMode *ret_mode);
const char *registration_mode_name(RegistrationMode mode);
/* Whether somebody at the domain may make a workspace without an invitation. hub_domains: separated by spaces. A hub at
 * agents.example.org stands beside the server of example.org. */
bool registration_admits(const Registration *registration, const char *hub_domains, Text domain);
/* The same, or may with one. */
bool registration_offers(const Registration *registration, const char *hub_domains, Text domain);
