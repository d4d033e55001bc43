/* The YAML file of further standards of compliance: a mapping of standards' names to what each has: `title`, `heading`,
 * and its sections by their numbers, each with `title`, `evidence` and `note`. What is unknown is refused by name and
 * line.
 *
 * Blocks on the file. The caller frees the standards.
 */
#pragma once

#include "orchestrator/governance/standards.h"

bool standards_read_file(const char *path, Standards **ret_standards, Failure *reterr_failure) _must_check_;
/* The same from memory; `path` stands in failures only. */
bool standards_read_yaml(Text yaml, const char *path, Standards **ret_standards, Failure *reterr_failure) _must_check_;
