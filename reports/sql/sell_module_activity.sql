CREATE VIEW reports.sell_module_activity AS
SELECT x.decided_at AS occurred_at,
       o.order_date AS day,
       'exit'::text AS activity,
       a.name AS account,
       o.account_type,
       o.account_type_source,
       o.symbol,
       o.side,
       x.lot_id,
       x.attempt,
       x.order_id,
       o.qty,
       x.reason,
       x.message,
       x.price,
       x.price_at,
       x.price_source,
       x.degraded,
       o.status AS order_status,
       o.filled_qty,
       o.filled_avg_price,
       NULL::bigint AS ticks,
       NULL::bigint AS failed_ticks,
       NULL::numeric AS slowest_tick_ms,
       o.actor,
       x.order_id::text AS record_id
  FROM trading.exits x
  LEFT JOIN trading.orders o ON o.order_id = x.order_id
  LEFT JOIN trading.accounts a ON a.account_id = o.account_id
UNION ALL
SELECT c.occurred_at, (c.occurred_at AT TIME ZONE 'UTC')::date, substr(c.subject, length('sell_module.') + 1), NULL,
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       NULL, c.actor, c.change_id::text
  FROM audit.config_changes c
 WHERE c.subject IN ('sell_module.start', 'sell_module.stop', 'sell_module.restart')
UNION ALL
SELECT h.hour, (h.hour AT TIME ZONE 'UTC')::date, 'ticks', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       NULL, NULL, NULL, NULL, h.degraded, NULL, NULL, NULL, h.ticks, h.failed, h.slowest_ms, 'sell_module',
       to_char(h.hour AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24') || CASE WHEN h.degraded THEN ' degraded' ELSE '' END
  FROM (
    SELECT date_trunc('hour', begun_at, 'UTC') AS hour, degraded, count(*) AS ticks,
           count(*) FILTER (WHERE error IS NOT NULL) AS failed, max(total_ms) AS slowest_ms
      FROM trading.sell_ticks
     GROUP BY 1, 2
  ) h;

COMMENT ON VIEW reports.sell_module_activity IS
  'What the sell module did: starts and stops with who said so, exits with reason, price, lot and outcome, and its ticks by the hour (kept a week).';
COMMENT ON COLUMN reports.sell_module_activity.occurred_at IS 'When it was decided or said; of ticks, the hour in which they began.';
COMMENT ON COLUMN reports.sell_module_activity.day IS 'The day of it, UTC.';
COMMENT ON COLUMN reports.sell_module_activity.activity IS 'What it was: exit, start, stop, restart, ticks (one row an hour).';
COMMENT ON COLUMN reports.sell_module_activity.account IS 'The account''s name.';
COMMENT ON COLUMN reports.sell_module_activity.account_type IS 'Paper or live, as it was known then.';
COMMENT ON COLUMN reports.sell_module_activity.account_type_source IS 'How the kind is known: detected, endpoint, override, fallback. A fallback is no proof.';
COMMENT ON COLUMN reports.sell_module_activity.symbol IS 'The instrument by its ticker; an option by its OCC symbol.';
COMMENT ON COLUMN reports.sell_module_activity.side IS 'buy or sell.';
COMMENT ON COLUMN reports.sell_module_activity.lot_id IS 'The position that was to be closed.';
COMMENT ON COLUMN reports.sell_module_activity.attempt IS 'The how manyth exit of that position it was.';
COMMENT ON COLUMN reports.sell_module_activity.order_id IS 'The exit''s order.';
COMMENT ON COLUMN reports.sell_module_activity.qty IS 'Shares or contracts ordered; empty for an order by value.';
COMMENT ON COLUMN reports.sell_module_activity.reason IS 'Which strategy spoke: take_profit, stop_loss, time_limit, zero_day, closing_window, short_cover.';
COMMENT ON COLUMN reports.sell_module_activity.message IS 'The numbers it spoke of.';
COMMENT ON COLUMN reports.sell_module_activity.price IS 'What the position could be closed at when it was decided, in USD.';
COMMENT ON COLUMN reports.sell_module_activity.price_at IS 'When that price was made.';
COMMENT ON COLUMN reports.sell_module_activity.price_source IS 'Where that price came from.';
COMMENT ON COLUMN reports.sell_module_activity.degraded IS 'Whether Postgres was away then.';
COMMENT ON COLUMN reports.sell_module_activity.order_status IS 'Where the order stands now.';
COMMENT ON COLUMN reports.sell_module_activity.filled_qty IS 'Shares or contracts filled.';
COMMENT ON COLUMN reports.sell_module_activity.filled_avg_price IS 'The average price of its fills, in USD.';
COMMENT ON COLUMN reports.sell_module_activity.ticks IS 'How many ticks began in that hour.';
COMMENT ON COLUMN reports.sell_module_activity.failed_ticks IS 'How many of them ended early.';
COMMENT ON COLUMN reports.sell_module_activity.slowest_tick_ms IS 'The longest of them, in ms.';
COMMENT ON COLUMN reports.sell_module_activity.actor IS 'Who said so, or what it was that acted.';
COMMENT ON COLUMN reports.sell_module_activity.record_id IS 'The row''s own name: the exit''s order, the change''s id, or the hour.';
