-- Round trips, told from the fills and corrections themselves: what is committed with a fill is its trade's new state, and
-- there is no second truth that a crash could leave behind (US-SYSTEM-007). It runs with the owner's rights.

CREATE VIEW reports.trades AS
SELECT t.trade_id,
       a.name AS account,
       coalesce(opening.account_type, a.account_type) AS account_type,
       coalesce(opening.account_type_source, a.account_type_source) AS account_type_source,
       t.symbol,
       CASE WHEN t.is_long THEN 'long' ELSE 'short' END AS side,
       CASE WHEN t.held = 0 THEN 'closed' ELSE 'open' END AS status,
       t.qty,
       t.held AS open_qty,
       m.multiplier,
       t.entry_at,
       round(t.entry_price, 8) AS entry_price,
       CASE WHEN t.held = 0 THEN t.last_at END AS exit_at,
       CASE WHEN t.held = 0 THEN round(t.exit_price, 8) END AS exit_price,
       CASE WHEN t.held = 0 THEN round(t.cash * m.multiplier, 8) END AS pnl,
       CASE WHEN t.held = 0 THEN
         coalesce(x.reason, CASE closing.source WHEN 'api' THEN 'manual' ELSE closing.source END, 'correction')
       END AS close_reason,
       t.opened_by,
       CASE WHEN t.held = 0 THEN t.last_order END AS closed_by,
       t.moves
  FROM trading.accounts a
 CROSS JOIN LATERAL (
   WITH moves AS (
     SELECT f.fill_id AS id, f.symbol, CASE f.side WHEN 'buy' THEN f.qty ELSE -f.qty END AS qty, f.price, f.occurred_at,
            f.recorded_at, f.order_id
       FROM trading.fills f WHERE f.account_id = a.account_id AND f.qty <> 0
      UNION ALL
     SELECT c.correction_id, c.symbol, c.qty, c.price, c.occurred_at, c.recorded_at, NULL
       FROM trading.position_corrections c WHERE c.account_id = a.account_id AND c.qty <> 0
   ), running AS (
     SELECT v.*, sum(v.qty) OVER (PARTITION BY v.symbol ORDER BY v.occurred_at, v.recorded_at, v.id) AS after
       FROM moves v
   ), parts AS (  -- what goes through zero ends one trade and begins another
     SELECT r.id, r.symbol, r.price, r.occurred_at, r.recorded_at, r.order_id, p.part, p.qty,
            p.part = 1 OR r.after = r.qty AS begins
       FROM running r
      CROSS JOIN LATERAL (
        SELECT 0 AS part, CASE WHEN (r.after - r.qty) * r.after < 0 THEN r.qty - r.after ELSE r.qty END AS qty
         UNION ALL
        SELECT 1, r.after WHERE (r.after - r.qty) * r.after < 0) p
   ), numbered AS (
     SELECT p.*, count(*) FILTER (WHERE p.begins)
              OVER (PARTITION BY p.symbol ORDER BY p.occurred_at, p.recorded_at, p.id, p.part) AS number
       FROM parts p
   ), directed AS (
     SELECT n.*, first_value(n.qty > 0) OVER trade AS is_long, first_value(n.id) OVER trade AS trade_id
       FROM numbered n
     WINDOW trade AS (PARTITION BY n.symbol, n.number ORDER BY n.occurred_at, n.recorded_at, n.id, n.part)
   )
   SELECT d.trade_id, d.symbol, d.is_long, count(*) AS moves, sum(d.qty) AS held, min(d.occurred_at) AS entry_at,
          max(d.occurred_at) AS last_at,
          sum(abs(d.qty)) FILTER (WHERE (d.qty > 0) = d.is_long) AS qty,
          sum(abs(d.qty) * d.price) FILTER (WHERE (d.qty > 0) = d.is_long)
            / nullif(sum(abs(d.qty)) FILTER (WHERE (d.qty > 0) = d.is_long AND d.price IS NOT NULL), 0) AS entry_price,
          sum(abs(d.qty) * d.price) FILTER (WHERE (d.qty > 0) <> d.is_long)
            / nullif(sum(abs(d.qty)) FILTER (WHERE (d.qty > 0) <> d.is_long AND d.price IS NOT NULL), 0) AS exit_price,
          CASE WHEN bool_and(d.price IS NOT NULL) THEN -sum(d.qty * d.price) END AS cash,
          (array_agg(d.order_id ORDER BY d.occurred_at, d.recorded_at, d.id, d.part))[1] AS opened_by,
          (array_agg(d.order_id ORDER BY d.occurred_at DESC, d.recorded_at DESC, d.id DESC, d.part DESC))[1] AS last_order
     FROM directed d
    GROUP BY d.trade_id, d.symbol, d.is_long
 ) t
  LEFT JOIN trading.orders opening ON opening.order_id = t.opened_by
  LEFT JOIN trading.orders closing ON closing.order_id = t.last_order
  LEFT JOIN trading.exits x ON x.order_id = t.last_order
 CROSS JOIN LATERAL (
   SELECT coalesce(opening.multiplier, closing.multiplier,
                   CASE WHEN t.symbol ~ '^[A-Z]{1,6}[0-9]{6}[CP][0-9]{8}$' THEN 100 ELSE 1 END) AS multiplier) m;

COMMENT ON VIEW reports.trades IS
  'One row a round trip: from the fill that opened a position to the one that made it flat, told from the fills as they are.';
COMMENT ON COLUMN reports.trades.trade_id IS 'Id of the fill (or correction) that opened it.';
COMMENT ON COLUMN reports.trades.account IS 'Name of the account.';
COMMENT ON COLUMN reports.trades.account_type IS 'Paper or live, as the opening order has it; without one, as the account has it now.';
COMMENT ON COLUMN reports.trades.account_type_source IS 'How the type was known: detected, endpoint, override or fallback.';
COMMENT ON COLUMN reports.trades.symbol IS 'Symbol; of an option its OCC symbol.';
COMMENT ON COLUMN reports.trades.side IS 'long: opened by a buy; short: opened by a sell.';
COMMENT ON COLUMN reports.trades.status IS 'open until nothing is held any more, then closed.';
COMMENT ON COLUMN reports.trades.qty IS 'Shares or contracts that were taken up in all, positive.';
COMMENT ON COLUMN reports.trades.open_qty IS 'What is held of it now, negative when short.';
COMMENT ON COLUMN reports.trades.multiplier IS 'Units a contract: 1 for stocks, 100 for options.';
COMMENT ON COLUMN reports.trades.entry_at IS 'When the first of it was filled, by the broker''s clock.';
COMMENT ON COLUMN reports.trades.entry_price IS 'Mean price of what took it up, in USD a share or unit.';
COMMENT ON COLUMN reports.trades.exit_at IS 'When the last of it was filled; null while it is open.';
COMMENT ON COLUMN reports.trades.exit_price IS 'Mean price of what brought it down, in USD; null while it is open.';
COMMENT ON COLUMN reports.trades.pnl IS 'What it brought in USD, fees not counted; null while it is open, or where a correction has no price.';
COMMENT ON COLUMN reports.trades.close_reason IS
  'Why the order that closed it was sent: the seller''s reason, manual, another source by its name, or correction.';
COMMENT ON COLUMN reports.trades.opened_by IS 'Order whose fill opened it; null for a correction.';
COMMENT ON COLUMN reports.trades.closed_by IS 'Order whose fill closed it; null while it is open, and for a correction.';
COMMENT ON COLUMN reports.trades.moves IS 'How many fills and corrections it consists of.';

GRANT SELECT ON reports.trades TO compliance_ro, opitios_app;
