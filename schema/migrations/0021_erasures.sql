-- oldest: 1
-- Erasures that are under way: what is left to be done of one needs no name, so that `aiox keep` can finish one that was
-- broken off.

CREATE TABLE erasures (
        tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
        person_id uuid NOT NULL,
        up_to     uuid NOT NULL, -- later messages are not meant
        except_id uuid NOT NULL, -- the message that asked; zero = none
        begun_at  timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, person_id)
);
SELECT guard_tenant_rows('erasures');
CREATE POLICY directory ON erasures FOR SELECT TO aiox_directory USING (true);
GRANT SELECT, INSERT, UPDATE ON erasures TO aiox_tenant;
GRANT SELECT, DELETE ON erasures TO aiox_eraser;
GRANT SELECT ON erasures TO aiox_directory;
