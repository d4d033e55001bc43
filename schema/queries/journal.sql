-- What the hub thread writes and reads about messages. Arrays hold one item a row; $1 is the hub's number where it says so.

-- name: journal_hold
-- role: journal
-- First of every transaction that writes.
SELECT hold_lease($1, $2);

-- name: journal_persons
-- role: journal
-- In order of id, so that two hubs that meet the same people wait for each other and do not deadlock. Who was erased and
-- writes again is named again.
WITH given AS MATERIALIZED (
        SELECT tenant_id, id, jid, key_id, writes
        FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::smallint[], $5::smallint[])
                AS g(tenant_id, id, jid, key_id, writes)
        ORDER BY tenant_id, id
), returned AS (
        UPDATE persons p SET jid = g.jid, key_id = g.key_id, erased_at = NULL
        FROM given g WHERE p.tenant_id = g.tenant_id AND p.id = g.id AND g.writes = 1 AND p.erased_at IS NOT NULL
)
INSERT INTO persons (tenant_id, id, jid, key_id) SELECT tenant_id, id, jid, key_id FROM given
ON CONFLICT (tenant_id, id) DO NOTHING;

-- name: journal_accept
-- role: journal
-- $1 the hub. A message whose key stands in today's part or yesterday's is not written; what is written is returned. `other`
-- is the key of the slot before. The look-ups are scalar sub-queries, which the planner cannot turn into joins.
WITH given AS MATERIALIZED (
        SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[], $7::timestamptz[], $8::uuid[],
                             $9::integer[], $10::smallint[], $11::text[], $12::bytea[], $13::bytea[], $14::uuid[],
                             $15::uuid[], $16::bigint[], $17::smallint[], $18::uuid[], $19::uuid[], $20::text[])
                AS g(id, tenant_id, agent_id, person_id, sequence, accepted_at, continues, conversation, key_id, domain,
                     reply_to, body, key, other, content, kind, account_id, grant_id, sender_domain)
), keyed AS (
        INSERT INTO idempotency (key, message_id, content, day)
        SELECT g.key, g.id, g.content, current_date FROM given g
        WHERE g.key IS NOT NULL
          AND (SELECT k.message_id FROM idempotency k WHERE k.key = g.key AND k.day = current_date - 1) IS NULL
          AND (g.other IS NULL OR
               (SELECT k.message_id FROM idempotency k WHERE k.key = g.other AND k.day BETWEEN current_date - 1 AND current_date
                LIMIT 1) IS NULL)
        ON CONFLICT DO NOTHING
        RETURNING message_id
)
INSERT INTO accepted (id, tenant_id, agent_id, person_id, sequence, accepted_at, continues, conversation, hub, key_id, domain,
                      reply_to, body, kind, account_id, grant_id, sender_domain, body_bytes)
SELECT g.id, g.tenant_id, g.agent_id, g.person_id, g.sequence, g.accepted_at, g.continues, g.conversation, $1::smallint,
       g.key_id, g.domain, g.reply_to, g.body, g.kind, g.account_id, g.grant_id, g.sender_domain,
       coalesce(octet_length(g.body), 0)
FROM given g
WHERE g.key IS NULL OR g.id IN (SELECT message_id FROM keyed)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: journal_repeats
-- role: journal
-- Why messages were not written: the row that stands for each, and its conclusion.
SELECT g.ordinality, k.message_id, k.content, a.id, a.tenant_id, a.hub, a.sequence, a.key_id, a.reply_to,
       c.outcome, c.reason, c.key_id, c.answer, c.explanation
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS g(id, key, other, ordinality)
LEFT JOIN LATERAL (SELECT i.message_id, i.content FROM idempotency i
                   WHERE i.key = ANY (ARRAY[g.key, g.other]) AND i.day >= current_date - 2
                   ORDER BY (i.message_id = g.id) DESC, i.day DESC LIMIT 1) k ON true
LEFT JOIN accepted a ON a.id = coalesce(k.message_id, g.id)
LEFT JOIN concluded c ON c.id = a.id
ORDER BY g.ordinality;

-- name: journal_conclude
-- role: journal
-- Fails when one is there already: then journal_conclusions says whose.
INSERT INTO concluded (id, tenant_id, version_id, sequence, concluded_at, cost_nano, queue_us, model_us, total_us,
                       admission_us, prompt_tokens, completion_tokens, cached_tokens, model_calls, tool_calls, attempt, hub,
                       key_id, outcome, reason, policy_hash, worker, tools, answer, explanation, streamed, agent_id,
                       account_id, grant_id, sender_domain, presumed_tokens)
SELECT id, tenant_id, version_id, sequence, concluded_at, cost_nano, queue_us, model_us, total_us, admission_us,
       prompt_tokens, completion_tokens, cached_tokens, model_calls, tool_calls, attempt, $1::smallint, key_id, outcome,
       reason, policy_hash, worker, tools, answer, explanation, streamed, agent_id, account_id, grant_id, sender_domain,
       presumed_tokens
FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::timestamptz[], $7::bigint[], $8::bigint[], $9::bigint[],
            $10::bigint[], $11::integer[], $12::integer[], $13::integer[], $14::integer[], $15::smallint[], $16::smallint[],
            $17::smallint[], $18::smallint[], $19::smallint[], $20::smallint[], $21::bytea[], $22::text[], $23::text[],
            $24::bytea[], $25::bytea[], $26::smallint[], $27::uuid[], $28::uuid[], $29::uuid[], $30::text[], $31::bigint[])
        AS g(id, tenant_id, version_id, sequence, concluded_at, cost_nano, queue_us, model_us, total_us, admission_us,
             prompt_tokens, completion_tokens, cached_tokens, model_calls, tool_calls, attempt, key_id, outcome, reason,
             policy_hash, worker, tools, answer, explanation, streamed, agent_id, account_id, grant_id, sender_domain,
             presumed_tokens);

-- name: journal_step
-- role: journal
INSERT INTO steps (message_id, ordinal, tenant_id, sequence, hub, key_id, kind, payload, spent_nano, spent_tokens)
SELECT message_id, ordinal, tenant_id, sequence, $1::smallint, key_id, kind, payload, spent_nano, spent_tokens
FROM unnest($2::uuid[], $3::integer[], $4::uuid[], $5::bigint[], $6::smallint[], $7::smallint[], $8::bytea[],
            $9::bigint[], $10::bigint[])
        AS g(message_id, ordinal, tenant_id, sequence, key_id, kind, payload, spent_nano, spent_tokens);

-- name: journal_cancel
-- role: journal
INSERT INTO cancelled (id, tenant_id, person_id, sequence, hub)
SELECT id, tenant_id, person_id, sequence, $1::smallint
FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[]) AS g(id, tenant_id, person_id, sequence)
ON CONFLICT DO NOTHING;

-- name: journal_audit
-- role: journal
INSERT INTO audit (tenant_id, message_id, agent_id, person_id, position, at, hub, type, severity, facts, hash)
SELECT tenant_id, message_id, agent_id, person_id, position, at, $1::smallint, type, severity, facts, hash
FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[], $7::timestamptz[], $8::text[], $9::text[],
            $10::text[], $11::bytea[])
        AS g(tenant_id, message_id, agent_id, person_id, position, at, type, severity, facts, hash);

-- name: journal_conclusions
-- role: journal
SELECT id, hub, sequence FROM concluded WHERE id = ANY ($1::uuid[]);

-- name: journal_steps
-- role: journal
SELECT message_id, ordinal, hub, sequence, tenant_id, key_id, kind, payload, spent_nano, spent_tokens FROM steps
WHERE message_id = ANY ($1::uuid[]) ORDER BY message_id, ordinal;

-- name: journal_heads
-- role: journal
-- Where this hub's chains end, of the tenants named; after their records were removed, in their closing.
SELECT t.tenant_id, h.position, h.hash
FROM unnest($2::uuid[]) AS t(tenant_id)
CROSS JOIN LATERAL ((SELECT a.position, a.hash FROM audit a WHERE a.tenant_id = t.tenant_id AND a.hub = $1
                     ORDER BY a.position DESC LIMIT 1)
                    UNION ALL
                    (SELECT c.position, c.hash FROM audit_closings c WHERE c.tenant_id = t.tenant_id AND c.hub = $1
                     ORDER BY c.position DESC LIMIT 1)
                    ORDER BY position DESC LIMIT 1) h;

-- name: journal_unchained
-- role: journal
-- What operations did and no chain holds yet.
SELECT tenant_id, id, operation, person_id, agent_id, severity, facts, at FROM operation_log
WHERE hub = $1 AND NOT chained ORDER BY at, id LIMIT 200;

-- name: journal_chained
-- role: journal
UPDATE operation_log o SET chained = true
FROM unnest($1::uuid[], $2::uuid[]) AS g(tenant_id, id) WHERE o.tenant_id = g.tenant_id AND o.id = g.id;

-- name: journal_open
-- role: journal
-- What is open and belongs to hub $1: everything, or with $2 what it took when it ended epoch $3 of hub $2.
WITH open AS MATERIALIZED (
        SELECT a.id, a.tenant_id, a.agent_id, a.sequence, a.accepted_at, a.continues, a.conversation, a.hub, a.key_id,
               a.reply_to, a.kind, a.account_id, a.grant_id, a.sender_domain
        FROM accepted a LEFT JOIN concluded c ON c.id = a.id AND c.id >= (SELECT low_water FROM heartbeats WHERE hub = $1)
        WHERE a.id >= (SELECT low_water FROM heartbeats WHERE hub = $1) AND c.id IS NULL
)
SELECT o.id, o.tenant_id, o.agent_id, o.sequence, o.accepted_at, o.continues, o.conversation, o.key_id, o.reply_to,
       EXISTS (SELECT FROM cancelled x WHERE x.id = o.id), o.kind, o.account_id, o.grant_id, o.sender_domain
FROM open o
LEFT JOIN LATERAL (SELECT e.heir, e.taken_from, e.taken_epoch FROM estates e
                   WHERE e.hub = o.hub AND e.up_to_epoch >= o.sequence >> 40 ORDER BY e.up_to_epoch LIMIT 1) e ON true
WHERE coalesce(e.heir, o.hub) = $1 AND ($2::smallint IS NULL OR (e.taken_from = $2 AND e.taken_epoch = $3::bigint))
ORDER BY o.hub, o.sequence;

-- name: journal_unsent
-- role: journal
-- A page of the conclusions of hub $2 after $3 that are hub $1's to send, of every domain; the columns of those of another
-- domain are null. At most $5, and none after the one with which their texts reach $6 bytes. The last column counts those
-- that there are up to $5 + 1: fewer rows than that, and there is more.
WITH page AS (
        SELECT c.sequence, a.id, a.tenant_id, a.agent_id, c.version_id, c.outcome, c.reason, c.concluded_at, c.attempt,
               c.prompt_tokens, c.completion_tokens, c.cached_tokens, c.cost_nano, c.model_calls, c.tool_calls,
               c.key_id, CASE WHEN a.id IS NOT NULL THEN c.answer END AS answer,
               CASE WHEN a.id IS NOT NULL THEN c.explanation END AS explanation, a.key_id AS reply_key_id, a.reply_to,
               c.streamed
        FROM concluded c LEFT JOIN accepted a ON a.id = c.id AND a.domain = $4 AND a.reply_to IS NOT NULL -- not erased
        WHERE c.hub = (SELECT number FROM leases WHERE hub = $2) AND c.sequence > $3
          AND lease_holder(c.hub, c.sequence >> 40) = $1
        ORDER BY c.sequence LIMIT $5::integer + 1
), measured AS (
        SELECT *, row_number() OVER rows_before AS number, count(*) OVER () AS found,
               coalesce(sum(coalesce(octet_length(answer), 0) + coalesce(octet_length(explanation), 0))
                        OVER rows_before, 0) AS bytes_before
        FROM page
        WINDOW rows_before AS (ORDER BY sequence ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
SELECT sequence, id, tenant_id, agent_id, version_id, outcome, reason, concluded_at, attempt, prompt_tokens,
       completion_tokens, cached_tokens, cost_nano, model_calls, tool_calls, key_id, answer, explanation, reply_key_id,
       reply_to, found, streamed
FROM measured WHERE number <= $5 AND (number = 1 OR bytes_before < $6::bigint) ORDER BY sequence;

-- name: journal_conclusion
-- role: journal
-- The same columns for one message.
SELECT c.sequence, a.id, a.tenant_id, a.agent_id, c.version_id, c.outcome, c.reason, c.concluded_at, c.attempt,
       c.prompt_tokens, c.completion_tokens, c.cached_tokens, c.cost_nano, c.model_calls, c.tool_calls,
       c.key_id, c.answer, c.explanation, a.key_id, a.reply_to, 1, c.streamed
FROM concluded c JOIN accepted a ON a.id = c.id WHERE c.id = $1;
