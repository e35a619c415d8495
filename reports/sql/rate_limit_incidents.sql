CREATE VIEW reports.rate_limit_incidents AS
SELECT e.occurred_at,
       e.order_date AS day,
       CASE e.reason_code WHEN 'rate_budget' THEN 'waited for budget' ELSE 'refused by the broker' END AS kind,
       'order'::text AS operation,
       e.order_id,
       a.name AS account,
       e.account_type,
       e.account_type_source,
       a.broker,
       o.symbol,
       e.event_type,
       e.stage,
       e.reason_code,
       e.reason,
       round((e.detail ->> 'retry_in_s')::numeric * 1000, 3) AS wait_ms,
       e.total_ms,
       e.network_ms,
       e.source,
       e.actor,
       e.trace_id,
       e.order_id || '/' || e.seq AS record_id
  FROM audit.order_events e
  LEFT JOIN trading.orders o ON (o.order_id, o.order_date) = (e.order_id, e.order_date)
  LEFT JOIN trading.accounts a ON a.account_id = e.account_id
 WHERE e.reason_code IN ('rate_limited', 'rate_budget')
UNION ALL
SELECT p.occurred_at, p.op_date,
       CASE p.reason_code WHEN 'rate_budget' THEN 'waited for budget' ELSE 'refused by the broker' END,
       p.operation, NULL, p.account_name, p.account_type, p.account_type_source, a.broker, p.symbol, NULL, NULL,
       p.reason_code, p.reason, NULL, p.total_ms, p.network_ms, p.source, p.actor, p.trace_id,
       p.operation_id::text
  FROM audit.operations p
  LEFT JOIN trading.accounts a ON a.account_id = p.account_id
 WHERE p.reason_code IN ('rate_limited', 'rate_budget');

COMMENT ON VIEW reports.rate_limit_incidents IS
  'Requests that a broker refused for their number (429), and orders that waited for our own budget of requests.';
COMMENT ON COLUMN reports.rate_limit_incidents.occurred_at IS 'When it happened, by the clock of whoever saw it.';
COMMENT ON COLUMN reports.rate_limit_incidents.day IS 'The day of the order or operation, UTC.';
COMMENT ON COLUMN reports.rate_limit_incidents.kind IS 'refused by the broker, or waited for budget.';
COMMENT ON COLUMN reports.rate_limit_incidents.operation IS 'order, or the operation that was no order: reconcile and so on.';
COMMENT ON COLUMN reports.rate_limit_incidents.order_id IS 'The order, where it was one.';
COMMENT ON COLUMN reports.rate_limit_incidents.account IS 'The account''s name.';
COMMENT ON COLUMN reports.rate_limit_incidents.account_type IS 'Paper or live, as it was known then.';
COMMENT ON COLUMN reports.rate_limit_incidents.account_type_source IS 'How the kind is known: detected, endpoint, override, fallback. A fallback is no proof.';
COMMENT ON COLUMN reports.rate_limit_incidents.broker IS 'The venue: which broker the account is at.';
COMMENT ON COLUMN reports.rate_limit_incidents.symbol IS 'The instrument by its ticker; an option by its OCC symbol.';
COMMENT ON COLUMN reports.rate_limit_incidents.event_type IS 'What became of the order''s attempt: deferred, cancel_failed, looked_up.';
COMMENT ON COLUMN reports.rate_limit_incidents.stage IS 'What the attempt was for: claim, send, settle, cancel.';
COMMENT ON COLUMN reports.rate_limit_incidents.reason_code IS 'Why, as a word to count by; empty when all went well.';
COMMENT ON COLUMN reports.rate_limit_incidents.reason IS 'Why, as a sentence.';
COMMENT ON COLUMN reports.rate_limit_incidents.wait_ms IS 'How long it was put off, in ms.';
COMMENT ON COLUMN reports.rate_limit_incidents.total_ms IS 'How long the whole operation took, in ms, by a clock that nobody sets.';
COMMENT ON COLUMN reports.rate_limit_incidents.network_ms IS 'How long the broker''s wire took of that, in ms; empty when nothing was sent.';
COMMENT ON COLUMN reports.rate_limit_incidents.source IS 'Where it came from: api, cli, sell_module, external, system and so on.';
COMMENT ON COLUMN reports.rate_limit_incidents.actor IS 'Who did it: a user, or the process that acted.';
COMMENT ON COLUMN reports.rate_limit_incidents.trace_id IS 'The same in the caller''s request, the log lines and every record of one operation.';
COMMENT ON COLUMN reports.rate_limit_incidents.record_id IS 'The record''s own name: an order''s event by the order and its number, anything else by its id.';
