CREATE VIEW reports.unknown_outcomes AS
SELECT e.occurred_at AS since,
       e.order_date,
       e.order_id,
       o.client_order_id,
       a.name AS account,
       e.account_type,
       e.account_type_source,
       a.broker,
       o.symbol,
       o.side,
       o.qty,
       o.notional,
       e.event_type AS became,
       e.stage,
       e.reason_code,
       e.reason,
       s.event_type AS settled_as,
       s.occurred_at AS settled_at,
       round(extract(epoch FROM s.recorded_at - e.recorded_at) * 1000, 3) AS unsettled_ms,
       c.lookups,
       c.resends,
       c.was_quarantined,
       c.resolved_by,
       o.status AS order_status,
       e.source,
       e.actor,
       e.trace_id
  FROM audit.order_events e
  LEFT JOIN trading.orders o ON (o.order_id, o.order_date) = (e.order_id, e.order_date)
  LEFT JOIN trading.accounts a ON a.account_id = e.account_id
  LEFT JOIN LATERAL (
    SELECT t.event_type, t.occurred_at, t.recorded_at
      FROM audit.order_events t
     WHERE t.order_date = e.order_date AND t.order_id = e.order_id AND t.seq > e.seq
       AND t.event_type IN ('accepted', 'partially_filled', 'filled', 'canceled', 'expired', 'replaced', 'rejected')
     ORDER BY t.seq LIMIT 1
  ) s ON true
  LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE t.event_type = 'looked_up') AS lookups,
           count(*) FILTER (WHERE t.event_type = 'submitting') AS resends,
           count(*) FILTER (WHERE t.event_type = 'quarantined') > 0 AS was_quarantined,
           min(t.actor) FILTER (WHERE t.event_type = 'resolved') AS resolved_by
      FROM audit.order_events t
     WHERE t.order_date = e.order_date AND t.order_id = e.order_id AND t.seq >= e.seq
  ) c ON true
 WHERE e.event_type IN ('unknown', 'quarantined')
   AND NOT EXISTS (SELECT FROM audit.order_events t
                    WHERE t.order_date = e.order_date AND t.order_id = e.order_id AND t.seq < e.seq
                      AND t.event_type IN ('unknown', 'quarantined'));

COMMENT ON VIEW reports.unknown_outcomes IS
  'One row an order of which for a time nobody knew whether the broker had it, or whether it was ours: since when, how it ended, and after how long.';
COMMENT ON COLUMN reports.unknown_outcomes.since IS 'When its outcome became unknown.';
COMMENT ON COLUMN reports.unknown_outcomes.order_date IS 'The day that the order was requested, UTC; what a question for a day should name.';
COMMENT ON COLUMN reports.unknown_outcomes.order_id IS 'The order''s own id.';
COMMENT ON COLUMN reports.unknown_outcomes.client_order_id IS 'The key that its caller gave the order, unique within the account.';
COMMENT ON COLUMN reports.unknown_outcomes.account IS 'The account''s name.';
COMMENT ON COLUMN reports.unknown_outcomes.account_type IS 'Paper or live, as it was known then.';
COMMENT ON COLUMN reports.unknown_outcomes.account_type_source IS 'How the kind is known: detected, endpoint, override, fallback. A fallback is no proof.';
COMMENT ON COLUMN reports.unknown_outcomes.broker IS 'The venue: which broker the account is at.';
COMMENT ON COLUMN reports.unknown_outcomes.symbol IS 'The instrument by its ticker; an option by its OCC symbol.';
COMMENT ON COLUMN reports.unknown_outcomes.side IS 'buy or sell.';
COMMENT ON COLUMN reports.unknown_outcomes.qty IS 'Shares or contracts ordered; empty for an order by value.';
COMMENT ON COLUMN reports.unknown_outcomes.notional IS 'USD ordered; empty for an order by quantity.';
COMMENT ON COLUMN reports.unknown_outcomes.became IS 'What it became first: unknown, or quarantined (the broker has something else under our id).';
COMMENT ON COLUMN reports.unknown_outcomes.stage IS 'Where that was noticed: send, settle, poll, degraded.';
COMMENT ON COLUMN reports.unknown_outcomes.reason_code IS 'Why nobody knew, as a word to count by: timeout, connection_lost, lease_expired, http_503, not_our_order and so on.';
COMMENT ON COLUMN reports.unknown_outcomes.reason IS 'Why nobody knew, as a sentence.';
COMMENT ON COLUMN reports.unknown_outcomes.settled_as IS 'What it turned out to be; empty while nobody knows.';
COMMENT ON COLUMN reports.unknown_outcomes.settled_at IS 'When that happened; a fill has the broker''s time.';
COMMENT ON COLUMN reports.unknown_outcomes.unsettled_ms IS 'How long nobody knew, from one record to the other, in ms.';
COMMENT ON COLUMN reports.unknown_outcomes.lookups IS 'How often the broker was asked for it in vain.';
COMMENT ON COLUMN reports.unknown_outcomes.resends IS 'How often it was sent again under the same id, the broker having said that it has none.';
COMMENT ON COLUMN reports.unknown_outcomes.was_quarantined IS 'Whether an operator had to decide.';
COMMENT ON COLUMN reports.unknown_outcomes.resolved_by IS 'The operator who decided.';
COMMENT ON COLUMN reports.unknown_outcomes.order_status IS 'Where the order stands now.';
COMMENT ON COLUMN reports.unknown_outcomes.source IS 'Where it came from: api, cli, sell_module, external, system and so on.';
COMMENT ON COLUMN reports.unknown_outcomes.actor IS 'Who did it: a user, or the process that acted.';
COMMENT ON COLUMN reports.unknown_outcomes.trace_id IS 'The same in the caller''s request, the log lines and every record of one operation.';
