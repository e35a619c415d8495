-- What is held: the fills' sum and the corrections that a broker's snapshot made to it (R19); shorts are negative.
CREATE VIEW trading.positions AS
SELECT moved.account_id, moved.symbol, sum(moved.qty) AS qty
  FROM (SELECT account_id, symbol, CASE side WHEN 'buy' THEN qty ELSE -qty END AS qty FROM trading.fills
         UNION ALL
        SELECT account_id, symbol, qty FROM trading.position_corrections) moved
 GROUP BY moved.account_id, moved.symbol;
GRANT SELECT ON trading.positions TO opitios_app;
