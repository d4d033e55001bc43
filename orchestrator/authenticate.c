#include "orchestrator/pipeline.h"

/* Who writes is what our server, the peer's server or the REST door vouches for: the bare JID, and nothing in the body.
 * Nobody is refused here: absent, suspended and forbidden part ways at one point only, stage_own(). */
bool stage_authenticate(Admission *admission, Failure *ret_refusal) {
        (void) ret_refusal;
        admission->sender = directory_sender(admission->directory, &admission->arrival->from);
        return true;
}
