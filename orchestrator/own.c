#include "orchestrator/pipeline.h"

/* Who may not talk to an agent gets the answer for one that does not exist, at the same point, after the same work. */
bool stage_own(Admission *admission, Failure *ret_refusal) {
        admission->agent = directory_agent(admission->directory, &admission->sender, admission->arrival->agent,
                                           admission->now.wall_us, &admission->grant);
        if (admission->agent)
                return true;
        return failure_set(ret_refusal, FAILURE_NOT_FOUND, "There is no such agent here.");
}

bool still_admitted(Directory *directory, Moment now, Text sender, const Agent *agent, bool command,
                    Failure *ret_refusal) {
        Jid jid = jid_of_bare(sender);
        Sender who = directory_sender(directory, &jid);
        if (!agent || !agent->local || !directory_agent(directory, &who, text_of(agent->local), now.wall_us, NULL))
                return failure_set(ret_refusal, FAILURE_FORBIDDEN, "You may no longer talk to this agent.");
        if (agent->state == AGENT_PAUSED && !command)
                return refuse_paused(agent, FAILURE_POLICY, ret_refusal);
        return command || policies_admit(directory_policies(directory), agent, who.domain, now.wall_us, ret_refusal);
}
