CREATE VIEW reports.blotter AS
SELECT e.order_date,
       o.requested_at,
       e.order_id,
       o.client_order_id,
       o.broker_order_id,
       a.name AS account,
       o.account_type,
       o.account_type_source,
       a.broker,
       o.symbol,
       o.asset_class,
       o.side,
       o.position_intent,
       o.order_type,
       o.time_in_force,
       o.qty,
       o.notional,
       o.limit_price,
       o.stop_price,
       o.trail_price,
       o.trail_percent,
       o.extended_hours,
       o.multiplier,
       o.replaces,
       o.status,
       o.rejected_by,
       o.reason_code,
       o.reason,
       o.cancel_reason,
       o.filled_qty,
       o.filled_avg_price,
       o.filled_qty * o.filled_avg_price * o.multiplier AS filled_notional,
       o.submitted_at,
       o.updated_at,
       o.attempts,
       o.source,
       o.actor,
       e.host,
       o.trace_id
  FROM audit.order_events e
  JOIN trading.orders o ON (o.order_id, o.order_date) = (e.order_id, e.order_date)
  LEFT JOIN trading.accounts a ON a.account_id = e.account_id
 WHERE e.seq = 1;

COMMENT ON VIEW reports.blotter IS 'One row an order: what was asked for, by whom and when, and where it stands now.';
COMMENT ON COLUMN reports.blotter.order_date IS 'The day that the order was requested, UTC; what a question for a day should name.';
COMMENT ON COLUMN reports.blotter.requested_at IS 'When the order was asked for.';
COMMENT ON COLUMN reports.blotter.order_id IS 'The order''s own id.';
COMMENT ON COLUMN reports.blotter.client_order_id IS 'The key that its caller gave the order, unique within the account.';
COMMENT ON COLUMN reports.blotter.broker_order_id IS 'The broker''s id of the order; empty until the broker has it.';
COMMENT ON COLUMN reports.blotter.account IS 'The account''s name.';
COMMENT ON COLUMN reports.blotter.account_type IS 'Paper or live, as it was known then.';
COMMENT ON COLUMN reports.blotter.account_type_source IS 'How the kind is known: detected, endpoint, override, fallback. A fallback is no proof.';
COMMENT ON COLUMN reports.blotter.broker IS 'The venue: which broker the account is at.';
COMMENT ON COLUMN reports.blotter.symbol IS 'The instrument by its ticker; an option by its OCC symbol.';
COMMENT ON COLUMN reports.blotter.asset_class IS 'What is traded: us_equity or us_option.';
COMMENT ON COLUMN reports.blotter.side IS 'buy or sell.';
COMMENT ON COLUMN reports.blotter.position_intent IS 'What an option''s order is for: buy_to_open, sell_to_close and so on; empty when not said.';
COMMENT ON COLUMN reports.blotter.order_type IS 'market, limit, stop, stop_limit or trailing_stop.';
COMMENT ON COLUMN reports.blotter.time_in_force IS 'How long it may work: day, gtc, ioc or fok.';
COMMENT ON COLUMN reports.blotter.qty IS 'Shares or contracts ordered; empty for an order by value.';
COMMENT ON COLUMN reports.blotter.notional IS 'USD ordered; empty for an order by quantity.';
COMMENT ON COLUMN reports.blotter.limit_price IS 'The limit in USD; empty without one.';
COMMENT ON COLUMN reports.blotter.stop_price IS 'The stop in USD; empty without one.';
COMMENT ON COLUMN reports.blotter.trail_price IS 'How far the stop trails in USD; empty without it.';
COMMENT ON COLUMN reports.blotter.trail_percent IS 'How far the stop trails in percent; empty without it.';
COMMENT ON COLUMN reports.blotter.extended_hours IS 'Whether it may fill outside the regular session.';
COMMENT ON COLUMN reports.blotter.multiplier IS 'How many units one of it is: 100 for options, else 1.';
COMMENT ON COLUMN reports.blotter.replaces IS 'The order whose place it takes; empty for almost all.';
COMMENT ON COLUMN reports.blotter.status IS 'Where the order stands now.';
COMMENT ON COLUMN reports.blotter.rejected_by IS 'Who rejected it: opitios (a rule of ours), broker, operator; empty for what was not rejected.';
COMMENT ON COLUMN reports.blotter.reason_code IS 'Why it was refused or ended, as a word to count by.';
COMMENT ON COLUMN reports.blotter.reason IS 'Why it was refused or ended, as a sentence.';
COMMENT ON COLUMN reports.blotter.cancel_reason IS 'Why somebody wants it cancelled, as they said it.';
COMMENT ON COLUMN reports.blotter.filled_qty IS 'Shares or contracts filled.';
COMMENT ON COLUMN reports.blotter.filled_avg_price IS 'The average price of its fills, in USD.';
COMMENT ON COLUMN reports.blotter.filled_notional IS 'What the fills were worth in USD: quantity, average price and multiplier.';
COMMENT ON COLUMN reports.blotter.submitted_at IS 'When the broker had it.';
COMMENT ON COLUMN reports.blotter.updated_at IS 'When the order last changed, by the database''s clock.';
COMMENT ON COLUMN reports.blotter.attempts IS 'How often it was claimed to be sent.';
COMMENT ON COLUMN reports.blotter.source IS 'Where it came from: api, cli, sell_module, external, system and so on.';
COMMENT ON COLUMN reports.blotter.actor IS 'Who did it: a user, or the process that acted.';
COMMENT ON COLUMN reports.blotter.host IS 'The machine it happened on.';
COMMENT ON COLUMN reports.blotter.trace_id IS 'The same in the caller''s request, the log lines and every record of one operation.';
