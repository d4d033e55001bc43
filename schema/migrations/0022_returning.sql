-- oldest: 1
-- Accounts that were erased, and people who come back after an erasure.

-- For which operation an erasure is; and whether the name is still there: once it is not, only the message that asked is left.
ALTER TABLE erasures
        ADD COLUMN operation text NOT NULL DEFAULT 'person-erase',
        ADD COLUMN named boolean NOT NULL DEFAULT true;
GRANT UPDATE (named) ON erasures TO aiox_eraser;

-- Who comes back is named again. What is not later than erased_up_to was before, and is given out to nobody any more.
ALTER TABLE persons
        ADD COLUMN erased_up_to uuid,
        ADD COLUMN changed xid8; -- null until a row changes: hubs remember whom they have named
CREATE TRIGGER mark_changed BEFORE UPDATE ON persons FOR EACH ROW EXECUTE FUNCTION mark_changed();
CREATE INDEX persons_erased ON persons (changed) WHERE erased_at IS NOT NULL;
CREATE POLICY directory ON persons FOR SELECT TO aiox_directory USING (true);
CREATE POLICY journal_names ON persons FOR UPDATE TO aiox_journal USING (erased_at IS NOT NULL) WITH CHECK (erased_at IS NULL);
GRANT SELECT (tenant_id, id, erased_at, changed) ON persons TO aiox_directory;
GRANT SELECT (erased_at), UPDATE (jid, key_id, erased_at) ON persons TO aiox_journal;
GRANT UPDATE (erased_up_to) ON persons TO aiox_eraser;

-- Where something names a person, and what goes with an account.
GRANT SELECT (jid) ON invites TO aiox_directory;
GRANT SELECT (key_id) ON operation_log TO aiox_journal;
GRANT DELETE ON profiles TO aiox_tenant;
