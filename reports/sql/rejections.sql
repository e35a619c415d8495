CREATE VIEW reports.rejections AS
SELECT e.occurred_at AS rejected_at,
       e.order_date,
       'place_order'::text AS operation,
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
       o.notional,
       o.limit_price,
       o.rejected_by,
       coalesce(e.reason_code, o.reason_code) AS reason_code,
       coalesce(e.reason, o.reason) AS reason,
       (e.detail #>> '{checks,minimum_balance,cash}')::numeric AS cash,
       (e.detail #>> '{checks,minimum_balance,reserved}')::numeric AS reserved,
       (e.detail #>> '{checks,minimum_balance,available}')::numeric AS available,
       (e.detail #>> '{checks,minimum_balance,minimum}')::numeric AS minimum,
       (e.detail #>> '{checks,minimum_balance,order_cost}')::numeric AS order_cost,
       e.detail ->> 'http_status' AS http_status,
       e.stage,
       e.total_ms,
       e.network_ms,
       e.source,
       e.actor,
       e.trace_id,
       e.order_id || '/' || e.seq AS record_id
  FROM audit.order_events e
  LEFT JOIN trading.orders o ON (o.order_id, o.order_date) = (e.order_id, e.order_date)
  LEFT JOIN trading.accounts a ON a.account_id = e.account_id
 WHERE e.event_type = 'rejected'
UNION ALL
SELECT p.occurred_at, p.op_date, p.operation, NULL, NULL, p.account_name, p.account_type, p.account_type_source,
       a.broker, p.symbol, NULL, NULL, NULL, NULL, NULL, 'opitios', p.reason_code, p.reason, NULL, NULL, NULL, NULL,
       NULL, NULL, 'request', p.total_ms, p.network_ms, p.source, p.actor, p.trace_id,
       p.operation_id::text
  FROM audit.operations p
  LEFT JOIN trading.accounts a ON a.account_id = p.account_id
 WHERE NOT p.success AND p.operation IN ('place_order', 'replace_order', 'cancel_order');

COMMENT ON VIEW reports.rejections IS
  'One row a rejection, with who rejected and the numbers: orders that ended as rejected, and requests refused before they became one.';
COMMENT ON COLUMN reports.rejections.rejected_at IS 'When it was rejected, by the clock of whoever did or learned of it.';
COMMENT ON COLUMN reports.rejections.order_date IS 'The day that the order was requested, UTC; what a question for a day should name.';
COMMENT ON COLUMN reports.rejections.operation IS 'What was refused: place_order, replace_order, cancel_order.';
COMMENT ON COLUMN reports.rejections.order_id IS 'The order; empty for a request that was refused before it became one.';
COMMENT ON COLUMN reports.rejections.client_order_id IS 'The key that its caller gave the order, unique within the account.';
COMMENT ON COLUMN reports.rejections.account IS 'The account''s name.';
COMMENT ON COLUMN reports.rejections.account_type IS 'Paper or live, as it was known then.';
COMMENT ON COLUMN reports.rejections.account_type_source IS 'How the kind is known: detected, endpoint, override, fallback. A fallback is no proof.';
COMMENT ON COLUMN reports.rejections.broker IS 'The venue: which broker the account is at.';
COMMENT ON COLUMN reports.rejections.symbol IS 'The instrument by its ticker; an option by its OCC symbol.';
COMMENT ON COLUMN reports.rejections.side IS 'buy or sell.';
COMMENT ON COLUMN reports.rejections.order_type IS 'market, limit, stop, stop_limit or trailing_stop.';
COMMENT ON COLUMN reports.rejections.qty IS 'Shares or contracts ordered; empty for an order by value.';
COMMENT ON COLUMN reports.rejections.notional IS 'USD ordered; empty for an order by quantity.';
COMMENT ON COLUMN reports.rejections.limit_price IS 'The limit in USD; empty without one.';
COMMENT ON COLUMN reports.rejections.rejected_by IS 'Who rejected: opitios (a rule, or the request itself), broker, operator.';
COMMENT ON COLUMN reports.rejections.reason_code IS 'Why, as a word to count by; empty when all went well.';
COMMENT ON COLUMN reports.rejections.reason IS 'Why, as a sentence.';
COMMENT ON COLUMN reports.rejections.cash IS 'The account''s cash as the balance check saw it, in USD.';
COMMENT ON COLUMN reports.rejections.reserved IS 'What other orders may still cost, as the balance check saw it, in USD.';
COMMENT ON COLUMN reports.rejections.available IS 'Cash less what is reserved, in USD.';
COMMENT ON COLUMN reports.rejections.minimum IS 'What the account is to keep, in USD.';
COMMENT ON COLUMN reports.rejections.order_cost IS 'What the order may cost, in USD.';
COMMENT ON COLUMN reports.rejections.http_status IS 'The broker''s answer, where it was the broker that refused.';
COMMENT ON COLUMN reports.rejections.stage IS 'Where it was rejected: request, claim (our rules), send (the broker), poll, stream, settle, resolve.';
COMMENT ON COLUMN reports.rejections.total_ms IS 'How long the whole operation took, in ms, by a clock that nobody sets.';
COMMENT ON COLUMN reports.rejections.network_ms IS 'How long the broker''s wire took of that, in ms; empty when nothing was sent.';
COMMENT ON COLUMN reports.rejections.source IS 'Where it came from: api, cli, sell_module, external, system and so on.';
COMMENT ON COLUMN reports.rejections.actor IS 'Who did it: a user, or the process that acted.';
COMMENT ON COLUMN reports.rejections.trace_id IS 'The same in the caller''s request, the log lines and every record of one operation.';
COMMENT ON COLUMN reports.rejections.record_id IS 'The record''s own name: an order''s event by the order and its number, anything else by its id.';
