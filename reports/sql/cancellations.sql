CREATE VIEW reports.cancellations AS
SELECT e.occurred_at AS canceled_at,
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
       o.qty,
       o.filled_qty,
       coalesce(e.reason_code, o.reason_code,
                CASE WHEN o.cancel_reason IS NULL THEN 'broker_canceled' ELSE 'requested' END) AS reason_code,
       coalesce(o.cancel_reason, e.reason, o.reason) AS reason,
       o.requested_at,
       coalesce(c.requested_at, w.requested_at) AS cancel_requested_at,
       coalesce(c.requested_by, w.requested_by) AS requested_by,
       round(extract(epoch FROM coalesce(c.requested_at, w.requested_at) - o.requested_at) * 1000, 3)
         AS age_at_request_ms,
       round(extract(epoch FROM e.occurred_at - o.requested_at) * 1000, 3) AS age_at_end_ms,
       coalesce(c.attempts, 0) AS attempts,
       coalesce(c.failed_attempts, 0) AS failed_attempts,
       coalesce(c.total_ms, e.total_ms) AS total_ms,
       c.network_ms,
       e.stage,
       o.source,
       e.trace_id
  FROM audit.order_events e
  LEFT JOIN trading.orders o ON (o.order_id, o.order_date) = (e.order_id, e.order_date)
  LEFT JOIN trading.accounts a ON a.account_id = e.account_id
  -- grouped by what it is joined by: left out where nobody asks for it, and of one day where the report is of one
  LEFT JOIN (
    SELECT t.order_date,
           t.order_id,
           min(t.occurred_at) FILTER (WHERE t.event_type = 'cancel_requested') AS requested_at,
           min(t.actor) FILTER (WHERE t.event_type = 'cancel_requested') AS requested_by,
           count(*) FILTER (WHERE t.event_type <> 'cancel_requested') AS attempts,
           count(*) FILTER (WHERE t.event_type = 'cancel_failed') AS failed_attempts,
           sum(t.total_ms) FILTER (WHERE t.event_type <> 'cancel_requested') AS total_ms,
           sum(t.network_ms) FILTER (WHERE t.event_type <> 'cancel_requested') AS network_ms
      FROM audit.order_events t
     WHERE t.event_type IN ('cancel_requested', 'cancel_sent', 'cancel_failed')
     GROUP BY t.order_date, t.order_id
  ) c ON (c.order_date, c.order_id) = (e.order_date, e.order_id)
  -- an order that had not left is ended by the request itself
  LEFT JOIN LATERAL (SELECT e.occurred_at AS requested_at, e.actor AS requested_by) w ON e.stage = 'cancel'
 WHERE e.event_type = 'canceled';

COMMENT ON VIEW reports.cancellations IS 'One row a cancelled order: why, who wanted it, how old it was, and what asking the broker took.';
COMMENT ON COLUMN reports.cancellations.canceled_at IS 'When it ended, by the clock of whoever learned of it.';
COMMENT ON COLUMN reports.cancellations.order_date IS 'The day that the order was requested, UTC; what a question for a day should name.';
COMMENT ON COLUMN reports.cancellations.order_id IS 'The order''s own id.';
COMMENT ON COLUMN reports.cancellations.client_order_id IS 'The key that its caller gave the order, unique within the account.';
COMMENT ON COLUMN reports.cancellations.account IS 'The account''s name.';
COMMENT ON COLUMN reports.cancellations.account_type IS 'Paper or live, as it was known then.';
COMMENT ON COLUMN reports.cancellations.account_type_source IS 'How the kind is known: detected, endpoint, override, fallback. A fallback is no proof.';
COMMENT ON COLUMN reports.cancellations.broker IS 'The venue: which broker the account is at.';
COMMENT ON COLUMN reports.cancellations.symbol IS 'The instrument by its ticker; an option by its OCC symbol.';
COMMENT ON COLUMN reports.cancellations.side IS 'buy or sell.';
COMMENT ON COLUMN reports.cancellations.order_type IS 'market, limit, stop, stop_limit or trailing_stop.';
COMMENT ON COLUMN reports.cancellations.qty IS 'Shares or contracts ordered.';
COMMENT ON COLUMN reports.cancellations.filled_qty IS 'Shares or contracts filled.';
COMMENT ON COLUMN reports.cancellations.reason_code IS 'Why, as a word to count by: requested, canceled_unsent, broker_canceled (nobody here asked for it), an operator''s word.';
COMMENT ON COLUMN reports.cancellations.reason IS 'Why, as whoever wanted it said.';
COMMENT ON COLUMN reports.cancellations.requested_at IS 'When the order was asked for.';
COMMENT ON COLUMN reports.cancellations.cancel_requested_at IS 'When somebody first wanted it gone; empty when the broker ended it unasked.';
COMMENT ON COLUMN reports.cancellations.requested_by IS 'Who wanted it gone; empty when the broker ended it unasked.';
COMMENT ON COLUMN reports.cancellations.age_at_request_ms IS 'How old the order was when somebody wanted it gone, in ms.';
COMMENT ON COLUMN reports.cancellations.age_at_end_ms IS 'How old the order was when it ended, in ms.';
COMMENT ON COLUMN reports.cancellations.attempts IS 'How many requests to cancel the broker got.';
COMMENT ON COLUMN reports.cancellations.failed_attempts IS 'How many of them it did not take.';
COMMENT ON COLUMN reports.cancellations.total_ms IS 'What these requests took as a whole, in ms; of an order that had not left, what ending it took.';
COMMENT ON COLUMN reports.cancellations.network_ms IS 'What these requests took on the wire, in ms.';
COMMENT ON COLUMN reports.cancellations.stage IS 'Where its end was learned: cancel (before it was sent), claim, poll, stream, settle, resolve.';
COMMENT ON COLUMN reports.cancellations.source IS 'Where it came from: api, cli, sell_module, external, system and so on.';
COMMENT ON COLUMN reports.cancellations.trace_id IS 'The same in the caller''s request, the log lines and every record of one operation.';
