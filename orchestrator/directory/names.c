#include "orchestrator/directory/directory.h"

static const char *const visibility_names[] = { "private", "tenant", "shared", "public" };
static const char *const role_names[] = { "none", "viewer", "operator", "admin", "owner", "platform" };

static const char *const agent_state_names[] = { "active", "paused", "deleted" };

const char *agent_state_name(AgentState state) {
        return agent_state_names[state];
}

bool agent_state_from_name(Text name, AgentState *ret_state) {
        for (size_t i = 0; i < COUNT_OF(agent_state_names); i++)
                if (text_equal(text_of(agent_state_names[i]), name)) {
                        *ret_state = (AgentState) i;
                        return true;
                }
        return false;
}

const char *visibility_name(Visibility visibility) {
        return visibility_names[visibility];
}

bool visibility_from_name(Text name, Visibility *ret_visibility) {
        for (size_t i = 0; i < COUNT_OF(visibility_names); i++)
                if (text_equal(text_of(visibility_names[i]), name)) {
                        *ret_visibility = (Visibility) i;
                        return true;
                }
        return false;
}

const char *role_name(Role role) {
        return role_names[role];
}

bool role_from_name(Text name, Role *ret_role) {
        for (size_t i = 0; i < COUNT_OF(role_names); i++)
                if (text_equal(text_of(role_names[i]), name)) {
                        *ret_role = (Role) i;
                        return true;
                }
        return false;
}
