-- Operations on limits: how much of what a subject may have.

-- name: limit_account
-- role: directory
SELECT id FROM accounts WHERE jid = $1 AND state <> 'deleted';

-- name: limit_set
-- role: tenant
INSERT INTO limits (tenant_id, id, subject, subject_id, subject_name, what, window_us, amount, created_by)
VALUES (current_tenant(), $1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (tenant_id, subject, subject_id, subject_name, what, window_us) WHERE removed_at IS NULL
DO UPDATE SET amount = excluded.amount, created_by = excluded.created_by
RETURNING id;

-- name: limit_remove
-- role: tenant
UPDATE limits SET removed_at = now()
WHERE subject = $1 AND subject_id IS NOT DISTINCT FROM $2 AND subject_name IS NOT DISTINCT FROM $3 AND what = $4
  AND window_us = $5 AND removed_at IS NULL
RETURNING id;

-- name: limits_list
-- role: tenant
SELECT l.id::text, l.subject, coalesce(a.name, o.jid, l.subject_name), l.what, l.window_us, l.amount, l.created_at
FROM limits l
LEFT JOIN agents a ON l.subject = 'agent' AND a.id = l.subject_id
LEFT JOIN accounts o ON l.subject = 'account' AND o.id = l.subject_id
WHERE l.removed_at IS NULL AND l.subject <> 'grant' AND l.id::text > $1
ORDER BY l.id::text
LIMIT $2;
