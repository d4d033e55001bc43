-- oldest: 1
-- Limits of a tenant about one who writes to it, by bare JID or by domain, whether or not there is an account; and what
-- is remembered of what was unusual, so that it is said once whichever hub noticed it, and after a restart.

ALTER TABLE limits DROP CONSTRAINT limits_subject_check;
ALTER TABLE limits ADD CONSTRAINT limits_subject_check
        CHECK (subject IN ('installation', 'plan', 'tenant', 'account', 'agent', 'grant', 'domain', 'sender'));
ALTER TABLE limits DROP CONSTRAINT limits_check1;
ALTER TABLE limits ADD CONSTRAINT limits_name_check
        CHECK ((subject IN ('domain', 'sender')) = (subject_name IS NOT NULL));
-- `aiox keep` removes what every hub has seen go: a row about somebody holds a name.
CREATE POLICY keep ON limits TO CURRENT_USER USING (subject = 'sender' AND removed_at < now() - interval '1 day');

ALTER TABLE security_events DROP CONSTRAINT security_events_kind_check;
ALTER TABLE security_events ADD CONSTRAINT security_events_kind_check
        CHECK (kind IN ('refusals', 'volume', 'domain', 'domain-refusals'));
ALTER TABLE security_events ADD COLUMN person_id uuid; -- whom it is about, also without an account
CREATE INDEX security_events_last ON security_events (tenant_id, kind, at);

-- Throttles that are over are found by the limit itself, whichever version of the hub wrote the event.
DROP INDEX security_events_throttles;
CREATE INDEX security_events_throttles ON security_events (until) WHERE limit_id IS NOT NULL;
CREATE POLICY journal_reads ON limits FOR SELECT TO aiox_journal USING (subject IN ('account', 'domain', 'sender'));
GRANT SELECT (tenant_id, id, subject, removed_at) ON limits TO aiox_journal;
