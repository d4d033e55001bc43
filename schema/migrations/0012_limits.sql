-- oldest: 1
-- A tenant's calendar, and its own figures in its plan's stead.

ALTER TABLE tenants
        ADD COLUMN zone text NOT NULL DEFAULT 'UTC' CHECK (zone <> ''),
        ADD COLUMN billing_day smallint NOT NULL DEFAULT 1 CHECK (billing_day BETWEEN 1 AND 31);

ALTER TABLE limits DROP CONSTRAINT limits_subject_check;
ALTER TABLE limits ADD CONSTRAINT limits_subject_check
        CHECK (subject IN ('installation', 'plan', 'tenant', 'account', 'agent', 'grant', 'domain'));
