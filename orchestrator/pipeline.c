#include "orchestrator/pipeline.h"

typedef bool (*Stage)(Admission *admission, Failure *ret_refusal);

static const Stage admission_stages[] = { stage_meter, stage_authenticate, stage_own, stage_govern, stage_prioritise };

bool admit(Admission *admission, Failure *ret_refusal) {
        for (size_t i = 0; i < COUNT_OF(admission_stages); i++)
                if (!admission_stages[i](admission, ret_refusal))
                        return false;
        return true;
}
