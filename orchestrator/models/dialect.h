/* Dialects: how each kind of model is asked. Internal to this folder; the table is in model.c.
 *
 * `name` is the model's name without the dialect's prefix. Each fills ret_reply on failure too.
 */
#pragma once

#include "orchestrator/models/model.h"

bool echo_complete(const ModelRequest *request, Text name, Arena *arena, ModelReply *ret_reply,
                   Failure *reterr_failure) _must_check_;
bool extractive_complete(const ModelRequest *request, Text name, Arena *arena, ModelReply *ret_reply,
                         Failure *reterr_failure) _must_check_;

bool openai_start(const ModelSettings *settings, Failure *reterr_failure) _must_check_;
void openai_stop(void);
bool openai_known(Text name, Failure *reterr_failure) _must_check_;
bool openai_complete(const ModelRequest *request, Text name, Arena *arena, ModelReply *ret_reply,
                     Failure *reterr_failure) _must_check_;

/* What the person wrote last; false (FAILURE_INVALID) when nobody did. */
bool model_question(const ModelRequest *request, Text *ret_question, Failure *reterr_failure) _must_check_;
