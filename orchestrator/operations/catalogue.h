/* Every operation's row, by the name of its file. Only for catalogue.c and for handlers that end like another one. */
#pragma once

#include "orchestrator/operations/operation.h"

/* One a line, in order of help. */
// clang-format off
#define EACH_OPERATION(each) \
        each(tenant_create) \
        each(tenant_list) \
        each(tenant_show) \
        each(tenant_update) \
        each(tenant_register) \
        each(registration_show) \
        each(tenant_export) \
        each(tenant_delete) \
        each(tenant_restore) \
        each(member_add) \
        each(member_list) \
        each(member_remove) \
        each(member_leave) \
        each(invite_create) \
        each(invite_list) \
        each(invite_revoke) \
        each(invite_accept) \
        each(profile_show) \
        each(profile_update) \
        each(profile_prove) \
        each(account_create) \
        each(account_list) \
        each(account_show) \
        each(account_suspend) \
        each(account_resume) \
        each(account_erase) \
        each(agent_create) \
        each(agent_list) \
        each(agent_show) \
        each(agent_update) \
        each(agent_pause) \
        each(agent_resume) \
        each(agent_delete) \
        each(agent_restore) \
        each(agent_rollback) \
        each(grant_add) \
        each(grant_list) \
        each(grant_remove) \
        each(subscription_add) \
        each(subscription_list) \
        each(subscription_remove) \
        each(knowledge_add) \
        each(knowledge_list) \
        each(knowledge_remove) \
        each(conversation_new) \
        each(conversation_status) \
        each(conversation_forget) \
        each(conversation_stop) \
        each(limit_set) \
        each(limit_list) \
        each(limit_remove) \
        each(policy_set) \
        each(policy_show) \
        each(violation_list) \
        each(violation_count) \
        each(person_export) \
        each(person_erase) \
        each(secret_set) \
        each(secret_list) \
        each(secret_rotate) \
        each(secret_remove) \
        each(limit_usage) \
        each(plan_list) \
        each(plan_show) \
        each(execution_list) \
        each(execution_show) \
        each(execution_cancel) \
        each(feedback_add) \
        each(feedback_list) \
        each(usage_show) \
        each(usage_export) \
        each(usage_list) \
        each(price_set) \
        each(price_list) \
        each(audit_list) \
        each(audit_export) \
        each(audit_verification) \
        each(compliance_report) \
        each(log_list) \
        each(security_list) \
        each(security_lift) \
        each(worker_list) \
        each(worker_show) \
        each(hub_status) \
        each(settings_show)
// clang-format on

#define DECLARE(operation) extern const Operation operation;
EACH_OPERATION(DECLARE)
#undef DECLARE
