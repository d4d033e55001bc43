#include "orchestrator/pipeline.h"

/* A term of the score, from 0 to 1 whatever was written into the directory. */
static double term(double weight, double value) {
        return value > 0 ? weight * (value < 1 ? value : 1) : 0;
}

/* The score S = αR + βT + γP + δC, each term from 0 to 1, becomes the lane's weight from 1 to 4. T is 1: an agent whose
 * tools are away is refused before this. Deterministic: the same message in the same state weighs the same. */
bool stage_prioritise(Admission *admission, Failure *ret_refusal) {
        const CoreSettings *settings = admission->settings;
        double tools = 1.0;
        double score = term(settings->score_reputation, admission->agent->reputation) +
                       term(settings->score_tools, tools) + term(settings->score_priority, admission->agent->priority) +
                       term(settings->score_capacity, admission->capacity);
        double most = settings->score_reputation + settings->score_tools + settings->score_priority +
                      settings->score_capacity;

        (void) ret_refusal;
        admission->weight = 1 + (int32_t) (most > 0 ? 3.0 * score / most + 0.5 : 0);
        return true;
}
