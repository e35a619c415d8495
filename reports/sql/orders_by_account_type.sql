CREATE VIEW reports.orders_by_account_type AS
SELECT e.order_date,
       o.account_type,
       o.account_type_source,
       a.name AS account,
       o.status,
       count(*) AS orders,
       sum(o.qty) AS qty,
       sum(o.filled_qty) AS filled_qty,
       sum(o.filled_qty * o.filled_avg_price * o.multiplier) AS filled_notional
  FROM audit.order_events e
  LEFT JOIN trading.orders o ON (o.order_id, o.order_date) = (e.order_id, e.order_date)
  LEFT JOIN trading.accounts a ON a.account_id = e.account_id
 WHERE e.seq = 1
 GROUP BY e.order_date, o.account_type, o.account_type_source, a.name, o.status;

COMMENT ON VIEW reports.orders_by_account_type IS
  'Orders of a day by kind of account and how the kind is known; a fallback is never a proven paper account.';
COMMENT ON COLUMN reports.orders_by_account_type.order_date IS 'The day that the order was requested, UTC; what a question for a day should name.';
COMMENT ON COLUMN reports.orders_by_account_type.account_type IS 'Paper or live, as it was known then.';
COMMENT ON COLUMN reports.orders_by_account_type.account_type_source IS 'How the kind is known: detected, endpoint, override, fallback. A fallback is no proof.';
COMMENT ON COLUMN reports.orders_by_account_type.account IS 'The account''s name.';
COMMENT ON COLUMN reports.orders_by_account_type.status IS 'Where these orders stand now.';
COMMENT ON COLUMN reports.orders_by_account_type.orders IS 'How many orders there are.';
COMMENT ON COLUMN reports.orders_by_account_type.qty IS 'Shares or contracts ordered; orders by value have none.';
COMMENT ON COLUMN reports.orders_by_account_type.filled_qty IS 'Shares or contracts filled.';
COMMENT ON COLUMN reports.orders_by_account_type.filled_notional IS 'What the fills were worth in USD: quantity, average price and multiplier.';
