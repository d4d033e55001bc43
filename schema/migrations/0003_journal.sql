-- oldest: 1
-- The journal: what hubs wrote about messages, insert-only, in parts of a day by the message's id, without foreign keys.
-- And who may write it: leases.

-- One row per hub. It is locked by every transaction of the journal and changes only when an epoch is raised; what changes
-- every second stands in heartbeats, so that no old versions pile up before the lock when somebody holds a snapshot.
CREATE TABLE leases (
        number        smallint PRIMARY KEY,
        hub           text NOT NULL UNIQUE CHECK (hub <> ''),
        epoch         bigint NOT NULL CHECK (epoch BETWEEN 1 AND 8388607),
        process       uuid NOT NULL,
        domains       text NOT NULL,
        released      boolean NOT NULL DEFAULT false,
        has_open      boolean NOT NULL DEFAULT false,
        backend_pid   integer,
        backend_start timestamptz
);
CREATE TABLE heartbeats (
        hub       smallint PRIMARY KEY REFERENCES leases,
        beats     bigint NOT NULL DEFAULT 0,
        low_water uuid NOT NULL
) WITH (fillfactor = 20);
-- What `hub` wrote in epochs up to `up_to_epoch`, and not in an earlier estate, belongs to `heir`, who took it when it ended
-- epoch `taken_epoch` of `taken_from`.
CREATE TABLE estates (
        hub         smallint REFERENCES leases,
        up_to_epoch bigint,
        heir        smallint NOT NULL REFERENCES leases,
        taken_from  smallint NOT NULL REFERENCES leases,
        taken_epoch bigint NOT NULL,
        PRIMARY KEY (hub, up_to_epoch)
);
-- Every answer that `hub` concluded for `domain` up to `sequence`, as far as it is `holder`'s to send, was taken by our
-- server.
CREATE TABLE delivered_marks (
        holder   smallint REFERENCES leases,
        hub      smallint REFERENCES leases,
        domain   text,
        sequence bigint NOT NULL,
        PRIMARY KEY (holder, hub, domain)
) WITH (fillfactor = 20);
GRANT SELECT, INSERT, UPDATE, DELETE ON leases, heartbeats, estates, delivered_marks TO aiox_journal;
GRANT SELECT (number, hub) ON leases TO aiox_tenant;
GRANT SELECT ON leases, heartbeats, delivered_marks, estates TO aiox_platform;

-- Fails unless the hub holds this epoch, and holds it until the transaction ends.
CREATE FUNCTION hold_lease(hub_number smallint, held_epoch bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
        PERFORM FROM leases WHERE number = hub_number AND epoch = held_epoch FOR SHARE;
        IF NOT FOUND THEN
                RAISE EXCEPTION 'hub % no longer holds epoch %', hub_number, held_epoch USING ERRCODE = 'AX001';
        END IF;
END
$$;
-- To whom belongs what `hub_number` wrote in an epoch.
CREATE FUNCTION lease_holder(hub_number smallint, written_epoch bigint) RETURNS smallint LANGUAGE sql STABLE AS $$
        SELECT coalesce((SELECT e.heir FROM estates e WHERE e.hub = hub_number AND e.up_to_epoch >= written_epoch
                         ORDER BY e.up_to_epoch LIMIT 1), hub_number)
$$;
GRANT EXECUTE ON FUNCTION hold_lease, lease_holder TO aiox_journal;

-- Sealed columns are ciphertext, which does not compress: STORAGE EXTERNAL. Parts inherit it.
CREATE TABLE accepted (
        id           uuid NOT NULL,
        tenant_id    uuid NOT NULL,
        agent_id     uuid NOT NULL,
        person_id    uuid NOT NULL,
        sequence     bigint NOT NULL, -- (epoch << 40) + counter of the hub
        accepted_at  timestamptz NOT NULL,
        continues    uuid,
        conversation integer NOT NULL,
        hub          smallint NOT NULL,
        key_id       smallint NOT NULL,
        domain       text NOT NULL,
        reply_to     bytea,
        body         bytea,
        PRIMARY KEY (id)
) PARTITION BY RANGE (id);

-- A turn reads the last exchanges of its conversation.
CREATE INDEX accepted_conversation ON accepted (person_id, agent_id, id);

CREATE TABLE steps (
        message_id uuid NOT NULL,
        ordinal    integer NOT NULL,
        tenant_id  uuid NOT NULL,
        sequence   bigint NOT NULL,
        hub        smallint NOT NULL,
        key_id     smallint NOT NULL,
        kind       smallint NOT NULL, -- StepKind: 0 taken up, 1 model reply, 2 tool started, 3 tool result
        payload    bytea,
        PRIMARY KEY (message_id, ordinal)
) PARTITION BY RANGE (message_id);

CREATE TABLE concluded (
        id                uuid NOT NULL,
        tenant_id         uuid NOT NULL,
        version_id        uuid,
        sequence          bigint NOT NULL,
        concluded_at      timestamptz NOT NULL,
        cost_nano         bigint NOT NULL,
        queue_us          bigint NOT NULL,
        model_us          bigint NOT NULL,
        total_us          bigint NOT NULL,
        admission_us      integer NOT NULL,
        prompt_tokens     integer NOT NULL,
        completion_tokens integer NOT NULL,
        cached_tokens     integer NOT NULL,
        model_calls       smallint NOT NULL,
        tool_calls        smallint NOT NULL,
        attempt           smallint NOT NULL,
        hub               smallint NOT NULL,
        key_id            smallint NOT NULL,
        outcome           smallint NOT NULL, -- Outcome: 1 success, 2 error, 3 refused, 4 cancelled, 5 parked
        reason            smallint NOT NULL, -- FailureKind; 0 on success
        policy_hash       bytea,
        worker            text,
        tools             text,
        answer            bytea,
        explanation       bytea,
        PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX concluded_sequence ON concluded (hub, sequence);

-- A request to cancel; whoever runs the message sees it within a heartbeat.
CREATE TABLE cancelled (
        id           uuid NOT NULL,
        tenant_id    uuid NOT NULL,
        person_id    uuid NOT NULL,
        sequence     bigint NOT NULL,
        hub          smallint NOT NULL,
        cancelled_at timestamptz NOT NULL DEFAULT now(),
        changed      xid8 NOT NULL DEFAULT pg_current_xact_id(),
        PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX cancelled_changed ON cancelled (changed);

ALTER TABLE accepted ALTER COLUMN reply_to SET STORAGE EXTERNAL, ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE steps ALTER COLUMN payload SET STORAGE EXTERNAL;
ALTER TABLE concluded ALTER COLUMN answer SET STORAGE EXTERNAL, ALTER COLUMN explanation SET STORAGE EXTERNAL;

-- Keys of repeats: half a SHA-256 of what makes two messages the same, by the database's day. No tenant: key and content
-- are digests over the agent, and only the journal reads them.
CREATE TABLE idempotency (
        key        uuid NOT NULL,
        message_id uuid NOT NULL,
        content    bigint NOT NULL,
        day        date NOT NULL,
        PRIMARY KEY (key, day)
) PARTITION BY RANGE (day);
GRANT SELECT, INSERT ON idempotency TO aiox_journal;

SELECT guard_tenant_rows('accepted'), guard_tenant_rows('steps'), guard_tenant_rows('concluded'),
       guard_tenant_rows('cancelled');
CREATE POLICY journal_writes ON accepted FOR INSERT TO aiox_journal WITH CHECK (true);
CREATE POLICY journal_writes ON steps FOR INSERT TO aiox_journal WITH CHECK (true);
CREATE POLICY journal_writes ON concluded FOR INSERT TO aiox_journal WITH CHECK (true);
CREATE POLICY journal_writes ON cancelled FOR INSERT TO aiox_journal WITH CHECK (true);
CREATE POLICY journal_reads ON accepted FOR SELECT TO aiox_journal USING (true);
CREATE POLICY journal_reads ON steps FOR SELECT TO aiox_journal USING (true);
CREATE POLICY journal_reads ON concluded FOR SELECT TO aiox_journal USING (true);
CREATE POLICY journal_reads ON cancelled FOR SELECT TO aiox_journal USING (true);
CREATE POLICY directory ON cancelled FOR SELECT TO aiox_directory USING (true);

GRANT INSERT ON accepted, steps, concluded, cancelled TO aiox_journal;
-- Everything but the body.
GRANT SELECT (id, tenant_id, agent_id, person_id, sequence, accepted_at, continues, conversation, hub, key_id, domain,
              reply_to) ON accepted TO aiox_journal;
GRANT SELECT ON steps, concluded, cancelled TO aiox_journal;
GRANT SELECT ON accepted, steps, concluded, cancelled TO aiox_tenant;
GRANT SELECT (id, tenant_id, changed) ON cancelled TO aiox_directory;
GRANT SELECT (id, tenant_id, person_id), UPDATE (reply_to, body) ON accepted TO aiox_eraser;
GRANT SELECT (message_id, ordinal, tenant_id), UPDATE (payload) ON steps TO aiox_eraser;
GRANT SELECT (id, tenant_id), UPDATE (answer, explanation) ON concluded TO aiox_eraser;

-- One row per message: how its life went. `running` and `retry` are known to the hub that runs it, not here.
CREATE VIEW executions WITH (security_invoker = true) AS
SELECT a.id, a.tenant_id, a.agent_id, c.version_id, a.person_id,
       coalesce((ARRAY['success', 'error', 'refused', 'cancelled', 'parked'])[c.outcome], 'pending') AS status,
       (ARRAY['invalid', 'unauthenticated', 'forbidden', 'not-found', 'conflict', 'too-large', 'policy', 'limit', 'unavailable',
              'timed-out', 'cancelled', 'unsupported', 'internal'])[c.reason] AS reason,
       a.accepted_at AS created_at, c.concluded_at, a.continues, a.conversation,
       c.prompt_tokens, c.completion_tokens, c.cached_tokens, c.prompt_tokens::bigint + c.completion_tokens AS tokens_used,
       c.cost_nano, c.model_calls, c.tool_calls, c.tools::jsonb AS tools_called, c.worker AS worker_id,
       c.attempt, c.policy_hash, (c.admission_us / 1000.0)::float8 AS admission_ms, (c.queue_us / 1000.0)::float8 AS queue_ms,
       (c.model_us / 1000.0)::float8 AS model_ms, (c.total_us / 1000.0)::float8 AS total_ms,
       a.hub, a.key_id, a.body, a.reply_to, c.key_id AS answer_key_id, c.answer, c.explanation,
       EXISTS (SELECT FROM cancelled x WHERE x.id = a.id) AS cancel_requested
FROM accepted a LEFT JOIN concluded c ON c.id = a.id;
GRANT SELECT ON executions TO aiox_tenant;
