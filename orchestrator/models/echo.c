/* builtin/echo: answers with the text of the last message. It costs nothing and needs nothing, for tests and benches.
 */
#include "orchestrator/models/dialect.h"

bool echo_complete(const ModelRequest *request, Text name, Arena *arena, ModelReply *ret_reply,
                   Failure *reterr_failure) {
        Text question;
        (void) name;

        if (!model_question(request, &question, reterr_failure))
                return false;
        _cleanup_(text_builder_release) TextBuilder answer = text_builder(MODEL_ANSWER_LIMIT);
        text_add_repaired(&answer, question);
        ret_reply->content = text_copy(arena, text_built(&answer));
        if (answer.overflowed || !ret_reply->content.bytes)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "The message is too long to be repeated.");
        ret_reply->usage_known = true;
        ret_reply->finish_reason = TEXT("stop");
        if (request->stream && ret_reply->content.length > 0)
                request->stream(request->listener, ret_reply->content);
        return true;
}
