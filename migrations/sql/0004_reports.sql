-- The views of 0001 with the terms that an order can have since. They run with the owner's rights: compliance_ro needs nothing but this schema.

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
  JOIN trading.orders o USING (order_id, order_date)
  JOIN trading.accounts a ON a.account_id = e.account_id
 WHERE e.total_ms IS NOT NULL AND e.event_type NOT IN ('requested', 'submitting', 'cancel_requested');
COMMENT ON VIEW reports.order_timing IS
  'One row an attempt, allowed or refused: total_ms is the whole operation, network_ms the time on the wire to the broker.';

CREATE VIEW reports.orders_by_account_type AS
SELECT o.order_date,
       o.account_type,
       o.account_type_source,
       a.name AS account,
       o.status,
       count(*) AS orders,
       sum(o.qty) AS qty,
       sum(o.filled_qty) AS filled_qty,
       sum(o.filled_qty * o.filled_avg_price * o.multiplier) AS filled_notional
  FROM trading.orders o
  JOIN trading.accounts a USING (account_id)
 GROUP BY o.order_date, o.account_type, o.account_type_source, a.name, o.status;
COMMENT ON VIEW reports.orders_by_account_type IS
  'Orders of a day by kind of account and how the kind is known; a fallback is never a proven paper account.';

GRANT SELECT ON ALL TABLES IN SCHEMA reports TO compliance_ro, opitios_app;
