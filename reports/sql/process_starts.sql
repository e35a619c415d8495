CREATE VIEW reports.process_starts AS
SELECT p.occurred_at,
       p.op_date AS day,
       p.operation AS what,
       p.process,
       p.host,
       p.detail ->> 'version' AS version,
       p.detail ->> 'python' AS python,
       p.detail ->> 'boot_id' AS boot_id,
       p.detail ->> 'rules_version' AS rules_version,
       p.total_ms,
       p.actor,
       p.recorded_at,
       p.trace_id,
       p.operation_id
  FROM audit.operations p
 WHERE p.operation IN ('process_started', 'process_stopped', 'stack_started', 'stack_stopped');

COMMENT ON VIEW reports.process_starts IS
  'One row a start or an end of one of our processes, or of the whole stack: where, which version, under which thresholds.';
COMMENT ON COLUMN reports.process_starts.occurred_at IS 'When it happened, by the clock of whoever saw it.';
COMMENT ON COLUMN reports.process_starts.day IS 'The day of it, UTC.';
COMMENT ON COLUMN reports.process_starts.what IS 'process_started, process_stopped, stack_started, stack_stopped. A start without a stop before it follows a kill.';
COMMENT ON COLUMN reports.process_starts.process IS 'The process that did it.';
COMMENT ON COLUMN reports.process_starts.host IS 'The machine it happened on.';
COMMENT ON COLUMN reports.process_starts.version IS 'The version of Opitios that ran.';
COMMENT ON COLUMN reports.process_starts.python IS 'The version of Python that ran it.';
COMMENT ON COLUMN reports.process_starts.boot_id IS 'Which start of the stack it belonged to.';
COMMENT ON COLUMN reports.process_starts.rules_version IS 'Which thresholds were in force, by a short digest of them all.';
COMMENT ON COLUMN reports.process_starts.total_ms IS 'How long the start or stop took, in ms.';
COMMENT ON COLUMN reports.process_starts.actor IS 'Who did it: a user, or the process that acted.';
COMMENT ON COLUMN reports.process_starts.recorded_at IS 'When it was written, by the database''s clock.';
COMMENT ON COLUMN reports.process_starts.trace_id IS 'The same in the caller''s request, the log lines and every record of one operation.';
COMMENT ON COLUMN reports.process_starts.operation_id IS 'The record''s own id.';
