-- oldest: 1
-- What a person wrote is erased by nulling what is sealed: by the eraser alone, some rows at a time. key_id 0 says that
-- nothing sealed is left in a row, so that it is not looked at again.

GRANT SELECT (key_id), UPDATE (key_id) ON accepted, concluded, steps TO aiox_eraser;
GRANT SELECT (tenant_id, at, key_id), UPDATE (result, key_id) ON operation_log TO aiox_eraser;
CREATE INDEX operation_log_person ON operation_log (tenant_id, person_id);
CREATE INDEX feedback_person ON feedback (tenant_id, person_id);
