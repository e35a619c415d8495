-- What seals the trail, and the tables that came to it. Append-only like the rest; nobody but the sealer writes seals.

ALTER TABLE trading.account_type_changes SET SCHEMA audit;
ALTER TABLE audit.account_type_changes
  ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ADD COLUMN xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text)::bigint;
ALTER TABLE audit.order_events ADD COLUMN corrects_seq bigint;
ALTER TABLE audit.operations ADD COLUMN corrects uuid;
ALTER TABLE audit.config_changes ADD COLUMN corrects uuid;

DO $$
DECLARE
  audited text;
  writable text;
BEGIN
  FOREACH audited IN ARRAY ARRAY['account_type_changes', 'clock_checks', 'seals'] LOOP
    EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON audit.%I '
                   'FOR EACH ROW EXECUTE FUNCTION audit.refuse_change()', audited);
    EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit.%I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()', audited);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER refuse_change', audited);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER refuse_truncate', audited);
  END LOOP;

  REVOKE ALL ON audit.account_type_changes FROM opitios_app;
  FOREACH audited IN ARRAY ARRAY['order_events', 'operations', 'config_changes', 'account_type_changes', 'clock_checks']
  LOOP
    SELECT string_agg(quote_ident(attname), ', ') INTO writable
      FROM pg_attribute
     WHERE attrelid = format('audit.%I', audited)::regclass AND attnum > 0 AND NOT attisdropped
       AND attname NOT IN ('xid', 'recorded_at');
    EXECUTE format('GRANT INSERT (%s) ON audit.%I TO opitios_app', writable, audited);
  END LOOP;
END
$$;

GRANT SELECT ON audit.account_type_changes, audit.clock_checks, audit.seals TO opitios_app;

GRANT USAGE ON SCHEMA audit TO opitios_sealer;
GRANT SELECT ON audit.order_events, audit.operations, audit.config_changes, audit.account_type_changes,
                audit.clock_checks, audit.seals TO opitios_sealer;
GRANT INSERT ON audit.seals TO opitios_sealer;
