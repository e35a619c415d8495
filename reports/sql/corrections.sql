CREATE VIEW reports.corrections AS
SELECT e.occurred_at,
       e.order_date AS day,
       'order event'::text AS record,
       a.name AS account,
       e.account_type,
       e.account_type_source,
       e.order_id,
       e.seq,
       e.corrects_seq,
       NULL::uuid AS corrects,
       t.event_type AS corrected,
       t.occurred_at AS corrected_at,
       e.reason_code,
       e.reason,
       e.detail,
       e.recorded_at,
       e.actor,
       e.trace_id,
       e.order_id || '/' || e.seq AS record_id
  FROM audit.order_events e
  LEFT JOIN audit.order_events t
    ON (t.order_date, t.order_id, t.seq) = (e.order_date, e.order_id, e.corrects_seq)
  LEFT JOIN trading.accounts a ON a.account_id = e.account_id
 WHERE e.event_type = 'corrected' AND e.corrects_seq IS NOT NULL
UNION ALL
SELECT p.occurred_at, p.op_date, 'operation', p.account_name, p.account_type, p.account_type_source, NULL, NULL, NULL,
       p.corrects, t.operation, t.occurred_at, p.reason_code, p.reason, p.detail, p.recorded_at, p.actor,
       p.trace_id, p.operation_id::text
  FROM audit.operations p
  LEFT JOIN audit.operations t ON t.operation_id = p.corrects
 WHERE p.corrects IS NOT NULL
UNION ALL
SELECT c.occurred_at, (c.occurred_at AT TIME ZONE 'UTC')::date, 'configuration change',
       coalesce(c.new ->> 'account', c.old ->> 'account'), NULL, NULL, NULL, NULL, NULL, c.corrects, t.subject,
       t.occurred_at, NULL, c.new ->> 'reason', c.new, c.recorded_at, c.actor, NULL, c.change_id::text
  FROM audit.config_changes c
  LEFT JOIN audit.config_changes t ON t.change_id = c.corrects
 WHERE c.corrects IS NOT NULL;

COMMENT ON VIEW reports.corrections IS
  'One row a record that corrects an earlier one: nothing that was written is changed, what was wrong stays and is named.';
COMMENT ON COLUMN reports.corrections.occurred_at IS 'When it happened, by the clock of whoever saw it.';
COMMENT ON COLUMN reports.corrections.day IS 'The day of the order or of the correction, UTC.';
COMMENT ON COLUMN reports.corrections.record IS 'What is corrected: an order event, an operation, a configuration change.';
COMMENT ON COLUMN reports.corrections.account IS 'The account''s name.';
COMMENT ON COLUMN reports.corrections.account_type IS 'Paper or live, as it was known then.';
COMMENT ON COLUMN reports.corrections.account_type_source IS 'How the kind is known: detected, endpoint, override, fallback. A fallback is no proof.';
COMMENT ON COLUMN reports.corrections.order_id IS 'The order, where an event of one is corrected.';
COMMENT ON COLUMN reports.corrections.seq IS 'The correcting event''s own number.';
COMMENT ON COLUMN reports.corrections.corrects_seq IS 'The number of the event that is corrected.';
COMMENT ON COLUMN reports.corrections.corrects IS 'The id of the operation or change that is corrected.';
COMMENT ON COLUMN reports.corrections.corrected IS 'What was corrected: the kind of event, the operation, or the setting.';
COMMENT ON COLUMN reports.corrections.corrected_at IS 'When that had happened.';
COMMENT ON COLUMN reports.corrections.reason_code IS 'Why, as a word to count by; empty when all went well.';
COMMENT ON COLUMN reports.corrections.reason IS 'Why it was wrong.';
COMMENT ON COLUMN reports.corrections.detail IS 'What is right, as JSON.';
COMMENT ON COLUMN reports.corrections.recorded_at IS 'When it was written, by the database''s clock.';
COMMENT ON COLUMN reports.corrections.actor IS 'Who did it: a user, or the process that acted.';
COMMENT ON COLUMN reports.corrections.trace_id IS 'The same in the caller''s request, the log lines and every record of one operation.';
COMMENT ON COLUMN reports.corrections.record_id IS 'The record''s own name: an order''s event by the order and its number, anything else by its id.';
