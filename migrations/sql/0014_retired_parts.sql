-- How a month leaves the trail: never deleted here, but detached, once its rows are sealed, exported and old enough.

CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON audit.retired_parts
  FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit.retired_parts
  FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE audit.retired_parts ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE audit.retired_parts ENABLE ALWAYS TRIGGER refuse_truncate;
GRANT SELECT ON audit.retired_parts TO opitios_app, opitios_sealer;

-- Detached months lie here, for their owner alone, until an administrator drops them.
CREATE SCHEMA archive;

-- The partitions of a table, by month.
CREATE FUNCTION audit.partitions(parent text) RETURNS TABLE (part text, name text, month date)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT parent || '/' || right(c.relname, 6), c.relname::text, to_date(right(c.relname, 6), 'YYYYMM')
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
   WHERE p.relname = parent AND p.relnamespace = 'audit'::regnamespace
$$;
GRANT EXECUTE ON FUNCTION audit.partitions(text) TO opitios_app;

-- Puts a month on record as retired and takes it out of the trail. Refuses what is younger than `years` (five at least,
-- whatever the settings say), what is no partition, and what is not sealed to the last row. No role of the running system
-- may call it: the migrations' login does, as a member of the owner.
CREATE FUNCTION audit.retire_part(retired text, years integer, given_rows bigint, file text, sha256 text, actor text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
  parent text := split_part(retired, '/', 1);
  child text;
  ended timestamptz;
  found_rows bigint;
  sealed_rows bigint;
BEGIN
  IF years IS NULL OR years < 5 THEN
    RAISE EXCEPTION 'audit.% is kept for five years at least, not %', retired, years USING ERRCODE = 'check_violation';
  END IF;
  SELECT p.name, (p.month + interval '1 month') AT TIME ZONE 'UTC' INTO child, ended
    FROM audit.partitions(parent) p WHERE p.part = retired AND parent IN ('order_events', 'operations');
  IF child IS NULL THEN
    RAISE EXCEPTION 'audit.% is no partition of the trail', retired USING ERRCODE = 'undefined_table';
  END IF;
  IF ended + make_interval(years => years) > now() THEN
    RAISE EXCEPTION 'audit.% is younger than % years: it ended on %', retired, years, ended
      USING ERRCODE = 'check_violation';
  END IF;
  EXECUTE format('LOCK TABLE audit.%I IN SHARE MODE', child);  -- no late row between the count and the end
  EXECUTE format('SELECT count(*) FROM audit.%I', child) INTO found_rows;
  SELECT coalesce(sum((p.value->>'rows')::bigint), 0) INTO sealed_rows
    FROM audit.seals s, jsonb_array_elements(s.parts) p
   WHERE s.sealed_at >= ended - interval '1 month 1 day' AND p.value->>'name' = retired;
  IF found_rows <> sealed_rows OR found_rows <> given_rows THEN
    RAISE EXCEPTION 'audit.% has % rows; % are sealed, % were exported', retired, found_rows, sealed_rows, given_rows
      USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO audit.retired_parts (part, rows, file, sha256, actor) VALUES (retired, given_rows, file, sha256, actor);
  EXECUTE format('ALTER TABLE audit.%I DETACH PARTITION audit.%I', parent, child);
  EXECUTE format('ALTER TABLE audit.%I SET SCHEMA archive', child);
  -- the trigger of the rows was the parent's and went with it
  EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON archive.%I '
                 'FOR EACH ROW EXECUTE FUNCTION audit.refuse_change()', child);
  EXECUTE format('ALTER TABLE archive.%I ENABLE ALWAYS TRIGGER refuse_change', child);
END
$$;
REVOKE ALL ON FUNCTION audit.retire_part(text, integer, bigint, text, text, text) FROM PUBLIC;
