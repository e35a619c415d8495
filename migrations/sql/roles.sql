-- Roles and schemas, made before every run of the revisions; safe to run again.
--   opitios_owner   owns every object, may not log in, used by migrations alone
--   opitios_app     what every process logs in as; has no right to change the audit trail
--   opitios_sealer  seals the audit trail: reads it and appends to `audit.seals`, nothing else
--   compliance_ro   officers and their tools; reads the schema `reports`
DO $$
DECLARE
  wanted text;
BEGIN
  -- roles belong to the whole server, so two databases migrated at once must not trip over each other
  PERFORM pg_advisory_xact_lock(hashtextextended('opitios:roles', 0));
  FOREACH wanted IN ARRAY ARRAY['opitios_owner', 'opitios_app', 'opitios_sealer', 'compliance_ro'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', wanted);
    END IF;
  END LOOP;
  IF NOT pg_has_role(current_user, 'opitios_owner', 'MEMBER') THEN
    EXECUTE format('GRANT opitios_owner TO %I', current_user);
  END IF;
  EXECUTE format('GRANT CREATE, CONNECT ON DATABASE %I TO opitios_owner', current_database());
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO opitios_app, opitios_sealer, compliance_ro', current_database());
  REVOKE CREATE ON SCHEMA public FROM PUBLIC;
END
$$;

ALTER ROLE opitios_app SET synchronous_commit = on;
ALTER ROLE opitios_sealer SET synchronous_commit = on;
ALTER ROLE opitios_sealer CONNECTION LIMIT 4;
ALTER ROLE compliance_ro SET default_transaction_read_only = on;
ALTER ROLE compliance_ro SET statement_timeout = '60s';
ALTER ROLE compliance_ro SET timezone = 'UTC';
ALTER ROLE compliance_ro CONNECTION LIMIT 20;

SET ROLE opitios_owner;
CREATE SCHEMA IF NOT EXISTS trading;
CREATE SCHEMA IF NOT EXISTS audit;
CREATE SCHEMA IF NOT EXISTS reports;
RESET ROLE;
