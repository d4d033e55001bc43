-- oldest: 1
-- Subscriptions to agents' presence, as hubs keep them in memory: each at one of the domains under which the agent is known,
-- with a mark of its last change, and removed by a date, so that other hubs see it go.

ALTER TABLE subscriptions
        ADD COLUMN domain text NOT NULL CHECK (domain <> ''),
        ADD COLUMN removed_at timestamptz,
        ADD COLUMN changed xid8 NOT NULL DEFAULT pg_current_xact_id(),
        ALTER COLUMN state SET DEFAULT 'from',
        DROP CONSTRAINT subscriptions_pkey,
        ADD PRIMARY KEY (tenant_id, agent_id, jid, domain);
DROP POLICY directory ON subscriptions; -- made again by what follows
SELECT follow_changes('subscriptions');
REVOKE DELETE ON subscriptions FROM aiox_tenant;
-- `aiox keep` removes what every hub has seen go, and nothing else.
CREATE POLICY keep ON subscriptions TO CURRENT_USER USING (removed_at < now() - interval '7 days');
