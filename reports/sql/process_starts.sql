CREATE VIEW reports.process_starts AS
SELECT c.occurred_at,
       (c.occurred_at AT TIME ZONE 'UTC')::date AS day,
       c.subject AS what,
       coalesce(c.new, c.old) ->> 'process' AS process,
       c.host,
       coalesce(c.new, c.old) ->> 'pid' AS pid,
       coalesce(c.new, c.old) ->> 'version' AS version,
       c.actor,
       c.recorded_at,
       coalesce(c.new, c.old)::text AS detail
  FROM audit.config_changes c
 WHERE c.subject IN ('process started', 'process stopped');

COMMENT ON VIEW reports.process_starts IS
  'One row a start or an end of one of our processes: where, which version, and which configuration.';
COMMENT ON COLUMN reports.process_starts.occurred_at IS 'When it happened, by the clock of whoever saw it.';
COMMENT ON COLUMN reports.process_starts.day IS 'The day of it, UTC.';
COMMENT ON COLUMN reports.process_starts.what IS 'process started, or process stopped.';
COMMENT ON COLUMN reports.process_starts.process IS 'The process by its name in the stack.';
COMMENT ON COLUMN reports.process_starts.host IS 'The machine it happened on.';
COMMENT ON COLUMN reports.process_starts.pid IS 'Its number on the host.';
COMMENT ON COLUMN reports.process_starts.version IS 'The version that ran.';
COMMENT ON COLUMN reports.process_starts.actor IS 'Who started or stopped it, as far as it is known.';
COMMENT ON COLUMN reports.process_starts.recorded_at IS 'When it was written, by the database''s clock.';
COMMENT ON COLUMN reports.process_starts.detail IS 'Everything that was told of it, as JSON.';
