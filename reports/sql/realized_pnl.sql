-- What a move makes of a lot: {quantity held, average cost, what the move realized a unit's price each, quantity closed}.
-- It is domain/lots.py in SQL, with its rounding: eight decimals, a half to the even one.
CREATE OR REPLACE FUNCTION reports.move_lot(lot numeric[], qty numeric, price numeric) RETURNS numeric[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  held numeric := lot[1];
  cost numeric := lot[2];
  closed numeric := 0;
  realized numeric := 0;
  value numeric;
  units numeric;
  rest numeric;
BEGIN
  IF qty = 0 THEN
    RETURN ARRAY[held, cost, 0, 0];
  ELSIF held = 0 OR (held > 0) = (qty > 0) THEN
    IF held = 0 OR cost IS NULL OR price IS NULL THEN
      cost := CASE WHEN held = 0 THEN price ELSE coalesce(price, cost) END;
    ELSE
      value := (held * cost + qty * price) * 100000000;
      units := div(value, held + qty);
      rest := 2 * abs(value - units * (held + qty));
      IF rest > abs(held + qty) OR rest = abs(held + qty) AND units % 2 <> 0 THEN
        units := units + sign(value) * sign(held + qty);
      END IF;
      cost := units * 0.00000001;
    END IF;
  ELSE
    closed := least(abs(held), abs(qty));
    realized := closed * sign(held) * (price - cost);
    cost := CASE WHEN abs(qty) > abs(held) THEN price WHEN abs(qty) < abs(held) THEN cost END;
  END IF;
  RETURN ARRAY[held + qty, cost, realized, closed];
END
$$;

CREATE OR REPLACE AGGREGATE reports.lot(qty numeric, price numeric) (
  SFUNC = reports.move_lot, STYPE = numeric[], INITCOND = '{0,NULL,0,0}', PARALLEL = SAFE
);

CREATE VIEW reports.realized_pnl AS
SELECT m.trading_day,
       m.account,
       m.account_type,
       m.account_type_source,
       m.symbol,
       count(*) FILTER (WHERE m.is_fill) AS fills,
       coalesce(sum(m.qty) FILTER (WHERE m.is_fill AND m.qty > 0), 0) AS bought_qty,
       coalesce(-sum(m.qty) FILTER (WHERE m.is_fill AND m.qty < 0), 0) AS sold_qty,
       coalesce(sum(m.lot[4]) FILTER (WHERE m.is_fill), 0) AS closed_qty,
       coalesce(sum(m.lot[3] * m.multiplier) FILTER (WHERE m.is_fill), 0) AS realized_pnl,
       coalesce(sum(m.lot[4]) FILTER (WHERE m.is_fill AND m.lot[3] IS NULL), 0) AS unpriced_qty,
       count(*) FILTER (WHERE NOT m.is_fill) AS corrections,
       coalesce(sum(m.qty) FILTER (WHERE NOT m.is_fill), 0) AS corrected_qty,
       (array_agg(m.lot[1] ORDER BY m.n DESC))[1] AS held_qty,
       (array_agg(m.lot[2] ORDER BY m.n DESC))[1] AS average_cost
  FROM (
    -- account and symbol part the window, so that a filter for either reads their fills alone
    SELECT u.*, reports.lot(u.qty, u.price) OVER w AS lot, row_number() OVER w AS n
      FROM (
        SELECT (f.occurred_at AT TIME ZONE 'America/New_York')::date AS trading_day, a.name AS account, o.account_type,
               o.account_type_source, f.symbol, CASE f.side WHEN 'buy' THEN f.qty ELSE -f.qty END AS qty, f.price,
               o.multiplier, true AS is_fill, f.occurred_at, f.recorded_at, f.fill_id AS id
          FROM trading.fills f
          LEFT JOIN trading.orders o ON o.order_id = f.order_id
          LEFT JOIN trading.accounts a ON a.account_id = f.account_id
         UNION ALL
        SELECT (c.occurred_at AT TIME ZONE 'America/New_York')::date, a.name, a.account_type, a.account_type_source,
               c.symbol, c.qty, c.price, 1, false, c.occurred_at, c.recorded_at, c.correction_id
          FROM trading.position_corrections c
          LEFT JOIN trading.accounts a ON a.account_id = c.account_id
      ) u
    WINDOW w AS (PARTITION BY u.account, u.symbol ORDER BY u.occurred_at, u.recorded_at, u.id ROWS UNBOUNDED PRECEDING)
  ) m
 GROUP BY m.trading_day, m.account, m.account_type, m.account_type_source, m.symbol;

COMMENT ON VIEW reports.realized_pnl IS
  'Profit and loss by account, symbol and trading day, at average cost and before fees, from the fills alone; corrections of a position are counted apart.';
COMMENT ON COLUMN reports.realized_pnl.trading_day IS 'The day of the fill in New York.';
COMMENT ON COLUMN reports.realized_pnl.account IS 'The account''s name.';
COMMENT ON COLUMN reports.realized_pnl.account_type IS 'Paper or live, as it was for the orders; of a correction, as the account is now.';
COMMENT ON COLUMN reports.realized_pnl.account_type_source IS 'How the kind is known: detected, endpoint, override, fallback. A fallback is no proof.';
COMMENT ON COLUMN reports.realized_pnl.symbol IS 'The instrument by its ticker; an option by its OCC symbol.';
COMMENT ON COLUMN reports.realized_pnl.fills IS 'How many fills there were.';
COMMENT ON COLUMN reports.realized_pnl.bought_qty IS 'Shares or contracts bought.';
COMMENT ON COLUMN reports.realized_pnl.sold_qty IS 'Shares or contracts sold.';
COMMENT ON COLUMN reports.realized_pnl.closed_qty IS 'How many of them closed what was held, long or short.';
COMMENT ON COLUMN reports.realized_pnl.realized_pnl IS 'What closing them brought in USD: price less average cost, turned round for shorts, times the multiplier (100 for options), before fees.';
COMMENT ON COLUMN reports.realized_pnl.unpriced_qty IS 'How much of closed_qty is not in realized_pnl, because nobody knows what it had cost.';
COMMENT ON COLUMN reports.realized_pnl.corrections IS 'How many times a broker''s snapshot corrected the position: what no fill explains.';
COMMENT ON COLUMN reports.realized_pnl.corrected_qty IS 'What these corrections changed the position by; negative when less was there.';
COMMENT ON COLUMN reports.realized_pnl.held_qty IS 'What was held after the last of these moves; negative when short.';
COMMENT ON COLUMN reports.realized_pnl.average_cost IS 'What it had cost on average, in USD a share or unit; empty when nothing is held or nobody knows.';
