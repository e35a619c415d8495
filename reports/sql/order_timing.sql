CREATE VIEW reports.order_timing AS
SELECT e.occurred_at,
       e.order_date,
       e.order_id,
       o.client_order_id,
       a.name AS account,
       e.account_type,
       e.account_type_source,
       a.broker,
       o.symbol,
       o.side,
       o.order_type,
       o.time_in_force,
       o.qty,
       o.notional,
       o.limit_price,
       o.stop_price,
       o.trail_price,
       o.trail_percent,
       o.extended_hours,
       o.position_intent,
       o.replaces,
       e.stage,
       e.event_type AS outcome,
       e.success,
       e.reason_code,
       e.reason,
       o.requested_at,
       e.started_at,
       e.total_ms,
       e.network_ms,
       o.status AS order_status,
       o.filled_qty,
       o.filled_avg_price,
       e.source,
       e.actor,
       e.trace_id
  FROM audit.order_events e
  LEFT JOIN trading.orders o ON (o.order_id, o.order_date) = (e.order_id, e.order_date)
  LEFT JOIN trading.accounts a ON a.account_id = e.account_id
 WHERE e.total_ms IS NOT NULL AND e.event_type NOT IN ('requested', 'submitting', 'cancel_requested');

COMMENT ON VIEW reports.order_timing IS
  'One row an attempt, allowed or refused: total_ms is the whole operation, network_ms the time on the wire to the broker.';
COMMENT ON COLUMN reports.order_timing.occurred_at IS 'When it happened, by the clock of whoever saw it.';
COMMENT ON COLUMN reports.order_timing.order_date IS 'The day that the order was requested, UTC; what a question for a day should name.';
COMMENT ON COLUMN reports.order_timing.order_id IS 'The order''s own id.';
COMMENT ON COLUMN reports.order_timing.client_order_id IS 'The key that its caller gave the order, unique within the account.';
COMMENT ON COLUMN reports.order_timing.account IS 'The account''s name.';
COMMENT ON COLUMN reports.order_timing.account_type IS 'Paper or live, as it was known then.';
COMMENT ON COLUMN reports.order_timing.account_type_source IS 'How the kind is known: detected, endpoint, override, fallback. A fallback is no proof.';
COMMENT ON COLUMN reports.order_timing.broker IS 'The venue: which broker the account is at.';
COMMENT ON COLUMN reports.order_timing.symbol IS 'The instrument by its ticker; an option by its OCC symbol.';
COMMENT ON COLUMN reports.order_timing.side IS 'buy or sell.';
COMMENT ON COLUMN reports.order_timing.order_type IS 'market, limit, stop, stop_limit or trailing_stop.';
COMMENT ON COLUMN reports.order_timing.time_in_force IS 'How long it may work: day, gtc, ioc or fok.';
COMMENT ON COLUMN reports.order_timing.qty IS 'Shares or contracts ordered; empty for an order by value.';
COMMENT ON COLUMN reports.order_timing.notional IS 'USD ordered; empty for an order by quantity.';
COMMENT ON COLUMN reports.order_timing.limit_price IS 'The limit in USD; empty without one.';
COMMENT ON COLUMN reports.order_timing.stop_price IS 'The stop in USD; empty without one.';
COMMENT ON COLUMN reports.order_timing.trail_price IS 'How far the stop trails in USD; empty without it.';
COMMENT ON COLUMN reports.order_timing.trail_percent IS 'How far the stop trails in percent; empty without it.';
COMMENT ON COLUMN reports.order_timing.extended_hours IS 'Whether it may fill outside the regular session.';
COMMENT ON COLUMN reports.order_timing.position_intent IS 'What an option''s order is for: buy_to_open, sell_to_close and so on; empty when not said.';
COMMENT ON COLUMN reports.order_timing.replaces IS 'The order whose place it takes; empty for almost all.';
COMMENT ON COLUMN reports.order_timing.stage IS 'What the attempt was for: claim, send, settle, cancel, resolve.';
COMMENT ON COLUMN reports.order_timing.outcome IS 'What became of the attempt: accepted, rejected, unknown, cancel_sent, looked_up and so on.';
COMMENT ON COLUMN reports.order_timing.success IS 'Whether it did what it was meant to.';
COMMENT ON COLUMN reports.order_timing.reason_code IS 'Why, as a word to count by; empty when all went well.';
COMMENT ON COLUMN reports.order_timing.reason IS 'Why, as a sentence.';
COMMENT ON COLUMN reports.order_timing.requested_at IS 'When the order was asked for.';
COMMENT ON COLUMN reports.order_timing.started_at IS 'When the attempt began; empty for what has no duration.';
COMMENT ON COLUMN reports.order_timing.total_ms IS 'How long the whole operation took, in ms, by a clock that nobody sets.';
COMMENT ON COLUMN reports.order_timing.network_ms IS 'How long the broker''s wire took of that, in ms; empty when nothing was sent.';
COMMENT ON COLUMN reports.order_timing.order_status IS 'Where the order stands now.';
COMMENT ON COLUMN reports.order_timing.filled_qty IS 'Shares or contracts filled.';
COMMENT ON COLUMN reports.order_timing.filled_avg_price IS 'The average price of its fills, in USD.';
COMMENT ON COLUMN reports.order_timing.source IS 'Where it came from: api, cli, sell_module, external, system and so on.';
COMMENT ON COLUMN reports.order_timing.actor IS 'Who did it: a user, or the process that acted.';
COMMENT ON COLUMN reports.order_timing.trace_id IS 'The same in the caller''s request, the log lines and every record of one operation.';
