/* The settings' YAML file: one flat mapping of names to scalars or lists of scalars; nested mappings are refused.
 *
 * Blocks on the file.
 */
#pragma once

#include "component/settings/settings.h"

bool settings_read_file(Settings *settings, const char *path, Failure *reterr_failure) _must_check_;
/* The same from memory; `path` stands in failures only. */
bool settings_read_yaml(Settings *settings, Text yaml, const char *path, Failure *reterr_failure) _must_check_;

/* One setting by name, for the reader: refuses what the table does not have. */
bool settings_set(Settings *settings, Text name, Text value, Failure *reterr_failure) _must_check_;
