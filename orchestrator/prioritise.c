#include "orchestrator/pipeline.h"

/* The score S = αR + βT + γP + δC, each term from 0 to 1, becomes the lane's weight from 1 to 4. T is 1: an agent whose
 * tools are away is refused before this. Deterministic: the same message in the same state weighs the same. */
bool stage_prioritise(Admission *admission, Failure *ret_refusal) {
        const CoreSettings *settings = admission->settings;
        double tools = 1.0;
        double score = settings->score_reputation * admission->agent->reputation + settings->score_tools * tools +
                       settings->score_priority * admission->agent->priority +
                       settings->score_capacity * admission->capacity;
        double most = settings->score_reputation + settings->score_tools + settings->score_priority +
                      settings->score_capacity;

        (void)ret_refusal;
        admission->weight = 1 + (int32_t)(most > 0 ? 3.0 * score / most + 0.5 : 0);
        return true;
}
