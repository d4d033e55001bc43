#include "orchestrator/governance/registration.h"

static const char *const names[REGISTRATION_MODE_COUNT] = {
        [REGISTRATION_OPEN] = "open",
        [REGISTRATION_INVITE] = "invite",
        [REGISTRATION_CLOSED] = "closed",
};

const char *registration_mode_name(RegistrationMode mode) {
        return names[mode];
}

bool registration_mode_from_name(Text name, RegistrationMode *ret_mode) {
        for (size_t i = 0; i < COUNT_OF(names); i++)
                if (text_equal(name, text_of(names[i]))) {
                        *ret_mode = (RegistrationMode) i;
                        return true;
                }
        return false;
}

static bool is_beside(const char *hub_domains, Text domain) {
        Text rest = text_of(hub_domains), ours;
        while (text_split(&rest, ' ', &ours)) {
                Text parent = ours, label;
                text_split(&parent, '.', &label);
                if (parent.length > 0 && text_equal(parent, domain))
                        return true;
        }
        return false;
}

static bool is_listed(const char *const *domains, Text domain) {
        for (; *domains; domains++)
                if (strcmp(*domains, "*") == 0 || text_equal(text_of(*domains), domain))
                        return true;
        return false;
}

bool registration_admits(const Registration *registration, const char *hub_domains, Text domain) {
        return registration->mode == REGISTRATION_OPEN && domain.length > 0 &&
               (registration->domains ? is_listed(registration->domains, domain) : is_beside(hub_domains, domain));
}

bool registration_offers(const Registration *registration, const char *hub_domains, Text domain) {
        return (registration->mode == REGISTRATION_INVITE && domain.length > 0) ||
               registration_admits(registration, hub_domains, domain);
}
