-- oldest: 1
-- Objects (bytes of files, sealed, in chunks) and knowledge (documents cut into passages that full text finds).

CREATE TABLE objects (
        tenant_id  uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
        hash       bytea NOT NULL CHECK (octet_length(hash) = 32), -- of the content, keyed by the tenant
        size       bigint NOT NULL CHECK (size >= 0),
        media_type text NOT NULL DEFAULT 'application/octet-stream',
        chunks     integer NOT NULL CHECK (chunks >= 0),
        key_id     smallint NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, hash)
);
CREATE TABLE object_chunks (
        tenant_id uuid NOT NULL,
        hash      bytea NOT NULL,
        number    integer NOT NULL,
        bytes     bytea NOT NULL,
        PRIMARY KEY (tenant_id, hash, number),
        FOREIGN KEY (tenant_id, hash) REFERENCES objects ON DELETE CASCADE
);
ALTER TABLE object_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;
SELECT guard_tenant_rows('objects'), guard_tenant_rows('object_chunks');
GRANT SELECT, INSERT, DELETE ON objects, object_chunks TO aiox_tenant;

CREATE TABLE documents (
        tenant_id  uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
        id         uuid NOT NULL,
        agent_id   uuid NOT NULL,
        name       text NOT NULL CHECK (name <> ''),
        source     text NOT NULL DEFAULT '', -- where a reader finds it: a path or an address
        format     text NOT NULL CHECK (format IN ('plain', 'markdown')),
        language   text NOT NULL DEFAULT 'english',
        digest     bytea NOT NULL CHECK (octet_length(digest) = 32),
        size       bigint NOT NULL,
        created_by uuid,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, agent_id, name),
        FOREIGN KEY (tenant_id, agent_id) REFERENCES agents ON DELETE CASCADE
);
-- Found among the passages of one agent, exactly: row security lets no full-text index be used (its operators are not
-- leakproof), and the set is small.
CREATE TABLE passages (
        tenant_id   uuid NOT NULL,
        agent_id    uuid NOT NULL,
        document_id uuid NOT NULL,
        number      integer NOT NULL,
        heading     text NOT NULL DEFAULT '',
        content     text NOT NULL,
        search      tsvector NOT NULL,
        PRIMARY KEY (tenant_id, agent_id, document_id, number),
        FOREIGN KEY (tenant_id, document_id) REFERENCES documents ON DELETE CASCADE
);
CREATE INDEX passages_document ON passages (tenant_id, document_id);
SELECT guard_tenant_rows('documents'), guard_tenant_rows('passages');
GRANT SELECT, INSERT, UPDATE, DELETE ON documents, passages TO aiox_tenant;
