CREATE VIEW reports.order_lifecycle AS
SELECT e.order_date,
       e.order_id,
       e.seq,
       e.event_type,
       e.stage,
       e.success,
       e.reason_code,
       e.reason,
       a.name AS account,
       e.account_type,
       e.account_type_source,
       a.broker,
       o.client_order_id,
       o.symbol,
       o.side,
       e.started_at,
       e.occurred_at,
       e.recorded_at,
       e.total_ms,
       e.network_ms,
       e.source,
       e.actor,
       e.host,
       e.process,
       e.trace_id,
       e.corrects_seq,
       e.detail
  FROM audit.order_events e
  JOIN trading.orders o ON (o.order_id, o.order_date) = (e.order_id, e.order_date)
  LEFT JOIN trading.accounts a ON a.account_id = e.account_id;

COMMENT ON VIEW reports.order_lifecycle IS
  'Every event of an order in the order of seq, with all its stamps and what was known; nothing here is ever changed.';
COMMENT ON COLUMN reports.order_lifecycle.order_date IS 'The day that the order was requested, UTC; what a question for a day should name.';
COMMENT ON COLUMN reports.order_lifecycle.order_id IS 'The order''s own id.';
COMMENT ON COLUMN reports.order_lifecycle.seq IS 'The event''s number within its order, from one, without gaps.';
COMMENT ON COLUMN reports.order_lifecycle.event_type IS 'What happened: requested, submitting, accepted, filled, rejected, cancel_requested and so on.';
COMMENT ON COLUMN reports.order_lifecycle.stage IS 'Which step it was: request, claim, send, settle, poll, stream, cancel, resolve, reconcile.';
COMMENT ON COLUMN reports.order_lifecycle.success IS 'Whether it did what it was meant to.';
COMMENT ON COLUMN reports.order_lifecycle.reason_code IS 'Why, as a word to count by; empty when all went well.';
COMMENT ON COLUMN reports.order_lifecycle.reason IS 'Why, as a sentence.';
COMMENT ON COLUMN reports.order_lifecycle.account IS 'The account''s name.';
COMMENT ON COLUMN reports.order_lifecycle.account_type IS 'Paper or live, as it was known then.';
COMMENT ON COLUMN reports.order_lifecycle.account_type_source IS 'How the kind is known: detected, endpoint, override, fallback. A fallback is no proof.';
COMMENT ON COLUMN reports.order_lifecycle.broker IS 'The venue: which broker the account is at.';
COMMENT ON COLUMN reports.order_lifecycle.client_order_id IS 'The key that its caller gave the order, unique within the account.';
COMMENT ON COLUMN reports.order_lifecycle.symbol IS 'The instrument by its ticker; an option by its OCC symbol.';
COMMENT ON COLUMN reports.order_lifecycle.side IS 'buy or sell.';
COMMENT ON COLUMN reports.order_lifecycle.started_at IS 'When the attempt began; empty for what has no duration.';
COMMENT ON COLUMN reports.order_lifecycle.occurred_at IS 'When it happened, by the clock of whoever saw it.';
COMMENT ON COLUMN reports.order_lifecycle.recorded_at IS 'When it was written, by the database''s clock.';
COMMENT ON COLUMN reports.order_lifecycle.total_ms IS 'How long the whole operation took, in ms, by a clock that nobody sets.';
COMMENT ON COLUMN reports.order_lifecycle.network_ms IS 'How long the broker''s wire took of that, in ms; empty when nothing was sent.';
COMMENT ON COLUMN reports.order_lifecycle.source IS 'Where it came from: api, cli, sell_module, external, system and so on.';
COMMENT ON COLUMN reports.order_lifecycle.actor IS 'Who did it: a user, or the process that acted.';
COMMENT ON COLUMN reports.order_lifecycle.host IS 'The machine it happened on.';
COMMENT ON COLUMN reports.order_lifecycle.process IS 'The process that did it.';
COMMENT ON COLUMN reports.order_lifecycle.trace_id IS 'The same in the caller''s request, the log lines and every record of one operation.';
COMMENT ON COLUMN reports.order_lifecycle.corrects_seq IS 'The event of the same order that this one corrects; empty for almost all.';
COMMENT ON COLUMN reports.order_lifecycle.detail IS 'What was known, as JSON: the terms, what every check saw, the broker''s ids, a fill.';
