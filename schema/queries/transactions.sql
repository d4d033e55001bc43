-- What a transaction begins and ends with.

-- name: transaction_begin
-- role: tenant platform directory journal eraser owner
BEGIN ISOLATION LEVEL READ COMMITTED;

-- name: transaction_tenant
-- role: tenant eraser
SELECT set_config('aiox.tenant', ($1::uuid)::text, true);

-- name: transaction_commit
-- role: tenant platform directory journal eraser owner
COMMIT;

-- name: transaction_rollback
-- role: tenant platform directory journal eraser owner
ROLLBACK;
