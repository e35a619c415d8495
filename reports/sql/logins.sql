CREATE VIEW reports.logins AS
SELECT p.occurred_at,
       p.op_date AS day,
       p.operation,
       p.actor AS username,
       p.success,
       p.reason_code,
       p.total_ms,
       p.source,
       p.host,
       p.trace_id,
       p.operation_id
  FROM audit.operations p
 WHERE p.operation IN ('login', 'logout', 'session_refused');

COMMENT ON VIEW reports.logins IS
  'One row an attempt to sign in, or to go on with a session that was ended: who, when, and whether it succeeded. Passwords are nowhere.';
COMMENT ON COLUMN reports.logins.occurred_at IS 'When it happened, by the clock of whoever saw it.';
COMMENT ON COLUMN reports.logins.day IS 'The day of the attempt, UTC.';
COMMENT ON COLUMN reports.logins.operation IS 'login, logout, or session_refused (a token of a session that was ended).';
COMMENT ON COLUMN reports.logins.username IS 'The user; unknown where nobody has the name that was given.';
COMMENT ON COLUMN reports.logins.success IS 'Whether it succeeded.';
COMMENT ON COLUMN reports.logins.reason_code IS 'Why not: wrong_password, unknown_user, user_disabled, too_many_attempts, session_ended.';
COMMENT ON COLUMN reports.logins.total_ms IS 'How long the whole operation took, in ms, by a clock that nobody sets.';
COMMENT ON COLUMN reports.logins.source IS 'Where it came from: api, cli, sell_module, external, system and so on.';
COMMENT ON COLUMN reports.logins.host IS 'The machine it happened on.';
COMMENT ON COLUMN reports.logins.trace_id IS 'The same in the caller''s request, the log lines and every record of one operation.';
COMMENT ON COLUMN reports.logins.operation_id IS 'The record''s own id.';
