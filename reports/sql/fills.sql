CREATE VIEW reports.fills AS
SELECT f.occurred_at,
       (f.occurred_at AT TIME ZONE 'America/New_York')::date AS trading_day,
       o.order_date,
       f.order_id,
       o.client_order_id,
       a.name AS account,
       o.account_type,
       o.account_type_source,
       a.broker,
       f.symbol,
       o.asset_class,
       f.side,
       f.qty,
       f.price,
       o.multiplier,
       f.qty * f.price * o.multiplier AS notional,
       f.cum_qty,
       f.broker_order_id,
       f.broker_fill_id,
       f.recorded_at,
       o.source,
       o.actor,
       o.trace_id,
       f.fill_id
  FROM trading.fills f
  LEFT JOIN trading.orders o ON o.order_id = f.order_id
  LEFT JOIN trading.accounts a ON a.account_id = f.account_id;

COMMENT ON VIEW reports.fills IS 'One row a fill, with what it was worth and the kind of account.';
COMMENT ON COLUMN reports.fills.occurred_at IS 'When the broker says that it was filled.';
COMMENT ON COLUMN reports.fills.trading_day IS 'The day of the fill in New York.';
COMMENT ON COLUMN reports.fills.order_date IS 'The day that the order was requested, UTC; what a question for a day should name.';
COMMENT ON COLUMN reports.fills.order_id IS 'The order''s own id.';
COMMENT ON COLUMN reports.fills.client_order_id IS 'The key that its caller gave the order, unique within the account.';
COMMENT ON COLUMN reports.fills.account IS 'The account''s name.';
COMMENT ON COLUMN reports.fills.account_type IS 'Paper or live, as it was known then.';
COMMENT ON COLUMN reports.fills.account_type_source IS 'How the kind is known: detected, endpoint, override, fallback. A fallback is no proof.';
COMMENT ON COLUMN reports.fills.broker IS 'The venue: which broker the account is at.';
COMMENT ON COLUMN reports.fills.symbol IS 'The instrument by its ticker; an option by its OCC symbol.';
COMMENT ON COLUMN reports.fills.asset_class IS 'What is traded: us_equity or us_option.';
COMMENT ON COLUMN reports.fills.side IS 'buy or sell.';
COMMENT ON COLUMN reports.fills.qty IS 'Shares or contracts of this fill.';
COMMENT ON COLUMN reports.fills.price IS 'USD a share or unit.';
COMMENT ON COLUMN reports.fills.multiplier IS 'How many units one of it is: 100 for options, else 1.';
COMMENT ON COLUMN reports.fills.notional IS 'What the fill was worth, in USD.';
COMMENT ON COLUMN reports.fills.cum_qty IS 'What was filled of the order with this fill.';
COMMENT ON COLUMN reports.fills.broker_order_id IS 'The broker''s id of the order; empty until the broker has it.';
COMMENT ON COLUMN reports.fills.broker_fill_id IS 'The broker''s own id of the fill.';
COMMENT ON COLUMN reports.fills.recorded_at IS 'When it was written, by the database''s clock.';
COMMENT ON COLUMN reports.fills.source IS 'Where it came from: api, cli, sell_module, external, system and so on.';
COMMENT ON COLUMN reports.fills.actor IS 'Who did it: a user, or the process that acted.';
COMMENT ON COLUMN reports.fills.trace_id IS 'The same in the caller''s request, the log lines and every record of one operation.';
COMMENT ON COLUMN reports.fills.fill_id IS 'Our own id of the fill.';
