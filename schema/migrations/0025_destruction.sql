-- oldest: 1
-- Messages that were accepted are concluded before the tenant goes, whoever runs them and however soon its time has come. A
-- message that no hub has concluded since yesterday holds it no longer: its hub is gone.
CREATE OR REPLACE FUNCTION destroy_tenant(tenant uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
        place regclass;
        held integer := 1;
        round integer := 0;
BEGIN
        PERFORM set_config('aiox.tenant', tenant::text, true);
        PERFORM FROM tenants t WHERE t.id = tenant AND t.state = 'deleted' AND t.destroy_at < now() AND t.destroyed_at IS NULL
                FOR UPDATE;
        IF NOT FOUND OR EXISTS (SELECT FROM operation_log o WHERE o.tenant_id = tenant AND NOT o.chained) OR
           EXISTS (SELECT FROM accepted a WHERE a.tenant_id = tenant AND a.id >= lowest_id(current_date - 1)::uuid AND
                                                NOT EXISTS (SELECT FROM concluded c WHERE c.id = a.id)) THEN
                RETURN false;
        END IF;
        DELETE FROM tenant_keys k WHERE k.tenant_id = tenant;
        UPDATE persons p SET jid = NULL, erased_at = now() WHERE p.tenant_id = tenant AND p.jid IS NOT NULL;
        -- What is referred to goes after what refers to it: whatever order that is.
        WHILE held > 0 AND round < 10 LOOP
                held := 0;
                round := round + 1;
                FOR place IN
                        SELECT c.oid FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
                        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                          AND c.relname NOT IN ('audit', 'audit_closings', 'persons')
                        ORDER BY c.relname
                LOOP
                        BEGIN
                                EXECUTE format('DELETE FROM %s WHERE tenant_id = $1', place) USING tenant;
                        EXCEPTION WHEN foreign_key_violation THEN
                                held := held + 1;
                        END;
                END LOOP;
        END LOOP;
        IF held > 0 THEN
                RAISE EXCEPTION 'rows of tenant % cannot be removed', tenant;
        END IF;
        UPDATE tenants t SET name = t.slug, settings = '{}', made_by = NULL, destroyed_at = now() WHERE t.id = tenant;
        -- The installation's audit has it, by the hub that chains it next.
        PERFORM set_config('aiox.tenant', 'a10c0000-0000-4000-8000-000000000000', true);
        INSERT INTO operation_log (tenant_id, id, request_key, digest, operation, door, severity, outcome, facts, hub)
        SELECT current_tenant(), d.id, d.id::text, sha256(tenant::text::bytea), 'tenant-destroy', 'keep', 'warning', 'success',
               format('{"tenant":"%s"}', tenant), l.number
        FROM (VALUES (gen_random_uuid())) AS d (id), (SELECT min(number) AS number FROM leases) AS l
        WHERE l.number IS NOT NULL;
        RETURN true;
END
$$;
