-- The audit trail is append-only: by grants for the roles the system runs as, by triggers for everybody else.

CREATE SEQUENCE trading.balance_read_seq;

CREATE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit.% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

DO $$
DECLARE
  audited text;
BEGIN
  FOREACH audited IN ARRAY ARRAY['order_events', 'operations', 'config_changes'] LOOP
    EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON audit.%I '
                   'FOR EACH ROW EXECUTE FUNCTION audit.refuse_change()', audited);
    EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit.%I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()', audited);
    -- ALWAYS: session_replication_role = replica does not step around them either
    EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER refuse_change', audited);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER refuse_truncate', audited);
  END LOOP;
END
$$;

-- Monthly partitions, last month's to `months_ahead` (36 at most) from now. A TRUNCATE of one partition does not fire its parent's
-- trigger, so each has its own. Returns how many were made. Runs as the owner: the system's role may not make tables.
CREATE FUNCTION audit.ensure_partitions(months_ahead integer DEFAULT 13) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  parent text;
  month date;
  child text;
  made integer := 0;
BEGIN
  months_ahead := least(months_ahead, 36);
  PERFORM pg_advisory_xact_lock(hashtextextended('opitios:partitions', 0));
  FOREACH parent IN ARRAY ARRAY['order_events', 'operations'] LOOP
    FOR ahead IN -1..months_ahead LOOP
      month := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead))::date;
      child := format('%s_%s', parent, to_char(month, 'YYYYMM'));
      IF to_regclass(format('audit.%I', child)) IS NULL THEN
        EXECUTE format('CREATE TABLE audit.%I PARTITION OF audit.%I FOR VALUES FROM (%L) TO (%L)',
                       child, parent, month, (month + interval '1 month')::date);
        EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit.%I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()', child);
        EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER refuse_truncate', child);
        made := made + 1;
      END IF;
    END LOOP;
  END LOOP;
  RETURN made;
END
$$;
REVOKE ALL ON FUNCTION audit.ensure_partitions(integer) FROM PUBLIC;
SELECT audit.ensure_partitions();

-- What the running system may do. No DELETE anywhere but leases; no UPDATE in audit; `xid` and `recorded_at` are given
-- by the database alone.
GRANT USAGE ON SCHEMA trading, audit TO opitios_app;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA trading TO opitios_app;
REVOKE INSERT, UPDATE ON trading.alembic_version FROM opitios_app;
REVOKE UPDATE ON trading.fills, trading.account_type_changes FROM opitios_app;
GRANT DELETE ON trading.leases TO opitios_app;
GRANT USAGE ON SEQUENCE trading.balance_read_seq TO opitios_app;
GRANT EXECUTE ON FUNCTION audit.ensure_partitions(integer) TO opitios_app;
GRANT SELECT ON audit.order_events, audit.operations, audit.config_changes TO opitios_app;
DO $$
DECLARE
  audited text;
  writable text;
BEGIN
  FOREACH audited IN ARRAY ARRAY['order_events', 'operations', 'config_changes'] LOOP
    SELECT string_agg(quote_ident(attname), ', ') INTO writable
      FROM pg_attribute
     WHERE attrelid = format('audit.%I', audited)::regclass AND attnum > 0 AND NOT attisdropped
       AND attname NOT IN ('xid', 'recorded_at');
    EXECUTE format('GRANT INSERT (%s) ON audit.%I TO opitios_app', writable, audited);
  END LOOP;
END
$$;
