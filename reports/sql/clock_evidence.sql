CREATE VIEW reports.clock_evidence AS
SELECT c.occurred_at,
       (c.occurred_at AT TIME ZONE 'UTC')::date AS day,
       c.host,
       c.process,
       c.source AS clock_source,
       c.synchronized,
       c.offset_ms,
       c.max_error_ms,
       c.database_offset_ms,
       c.recorded_at,
       c.detail,
       c.check_id
  FROM audit.clock_checks c;

COMMENT ON VIEW reports.clock_evidence IS
  'How far each host''s clock may have been off UTC and off the database''s clock, minute by minute.';
COMMENT ON COLUMN reports.clock_evidence.occurred_at IS 'When the clock was looked at, by itself.';
COMMENT ON COLUMN reports.clock_evidence.day IS 'The day of it, UTC.';
COMMENT ON COLUMN reports.clock_evidence.host IS 'The machine it happened on.';
COMMENT ON COLUMN reports.clock_evidence.process IS 'The process that did it.';
COMMENT ON COLUMN reports.clock_evidence.clock_source IS 'Who says so: the kernel''s own books, or none where nobody can say.';
COMMENT ON COLUMN reports.clock_evidence.synchronized IS 'Whether a time service keeps it; empty where nobody can say.';
COMMENT ON COLUMN reports.clock_evidence.offset_ms IS 'What the time service is still correcting, in ms.';
COMMENT ON COLUMN reports.clock_evidence.max_error_ms IS 'How far the clock may be off UTC at most, in ms.';
COMMENT ON COLUMN reports.clock_evidence.database_offset_ms IS 'The host''s clock less the database''s, in ms.';
COMMENT ON COLUMN reports.clock_evidence.recorded_at IS 'When it was written, by the database''s clock.';
COMMENT ON COLUMN reports.clock_evidence.detail IS 'What else was told, as JSON.';
COMMENT ON COLUMN reports.clock_evidence.check_id IS 'The check''s own id, in the order of time.';
