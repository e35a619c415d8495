CREATE VIEW reports.balance_checks AS
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
       o.qty,
       o.notional,
       CASE WHEN m.seen ->> 'decision' = 'deny' THEN 'rejected'
            WHEN m.seen ->> 'reason_code' IS NOT NULL THEN 'allowed_with_warning'
            WHEN m.seen ? 'exempt' OR m.seen ->> 'balance_check_enabled' = 'false' THEN 'exempt'
            ELSE 'allowed' END AS outcome,
       m.seen ->> 'reason_code' AS reason_code,
       coalesce(m.seen ->> 'exempt', CASE WHEN m.seen ->> 'balance_check_enabled' = 'false'
                                          THEN 'the check is switched off for the account' END) AS exempt_because,
       m.seen ->> 'balance_rule' AS balance_rule,
       (m.seen ->> 'cash')::numeric AS cash,
       (m.seen ->> 'reserved')::numeric AS reserved,
       (m.seen ->> 'available')::numeric AS available,
       (m.seen ->> 'minimum')::numeric AS minimum,
       (m.seen ->> 'order_cost')::numeric AS order_cost,
       (m.seen ->> 'replaced_reserved')::numeric AS replaced_reserved,
       round((m.seen ->> 'balance_age_s')::numeric * 1000, 3) AS balance_age_ms,
       m.seen ->> 'on_balance_error' AS on_balance_error,
       e.detail ->> 'rules_version' AS rules_version,
       e.event_type AS order_event,
       e.seq,
       e.source,
       e.actor,
       e.trace_id
  FROM audit.order_events e
 CROSS JOIN LATERAL (SELECT e.detail #> '{checks,minimum_balance}' AS seen) m
  LEFT JOIN trading.orders o ON (o.order_id, o.order_date) = (e.order_id, e.order_date)
  LEFT JOIN trading.accounts a ON a.account_id = e.account_id
 WHERE e.event_type IN ('submitting', 'rejected', 'deferred') AND m.seen IS NOT NULL;

COMMENT ON VIEW reports.balance_checks IS
  'One row a check of an account''s free cash before an order, with every number it saw and what it said.';
COMMENT ON COLUMN reports.balance_checks.occurred_at IS 'When it happened, by the clock of whoever saw it.';
COMMENT ON COLUMN reports.balance_checks.order_date IS 'The day that the order was requested, UTC; what a question for a day should name.';
COMMENT ON COLUMN reports.balance_checks.order_id IS 'The order''s own id.';
COMMENT ON COLUMN reports.balance_checks.client_order_id IS 'The key that its caller gave the order, unique within the account.';
COMMENT ON COLUMN reports.balance_checks.account IS 'The account''s name.';
COMMENT ON COLUMN reports.balance_checks.account_type IS 'Paper or live, as it was known then.';
COMMENT ON COLUMN reports.balance_checks.account_type_source IS 'How the kind is known: detected, endpoint, override, fallback. A fallback is no proof.';
COMMENT ON COLUMN reports.balance_checks.broker IS 'The venue: which broker the account is at.';
COMMENT ON COLUMN reports.balance_checks.symbol IS 'The instrument by its ticker; an option by its OCC symbol.';
COMMENT ON COLUMN reports.balance_checks.side IS 'buy or sell.';
COMMENT ON COLUMN reports.balance_checks.qty IS 'Shares or contracts ordered; empty for an order by value.';
COMMENT ON COLUMN reports.balance_checks.notional IS 'USD ordered; empty for an order by quantity.';
COMMENT ON COLUMN reports.balance_checks.outcome IS 'What the check said: allowed, rejected, allowed_with_warning (no balance to judge by, and the account is set to go on), exempt.';
COMMENT ON COLUMN reports.balance_checks.reason_code IS 'The check''s own reason: insufficient_balance, balance_unavailable; empty when it passed.';
COMMENT ON COLUMN reports.balance_checks.exempt_because IS 'Why the order needed no check.';
COMMENT ON COLUMN reports.balance_checks.balance_rule IS 'before: free cash must reach the minimum; after: it must still do so once the order is paid.';
COMMENT ON COLUMN reports.balance_checks.cash IS 'The cash that the broker last told, in USD.';
COMMENT ON COLUMN reports.balance_checks.reserved IS 'What other orders may still cost, in USD.';
COMMENT ON COLUMN reports.balance_checks.available IS 'Cash less what is reserved, in USD.';
COMMENT ON COLUMN reports.balance_checks.minimum IS 'What the account is to keep, in USD.';
COMMENT ON COLUMN reports.balance_checks.order_cost IS 'What the order may cost, in USD.';
COMMENT ON COLUMN reports.balance_checks.replaced_reserved IS 'What the replaced order had reserved, in USD: the replacement costs no more, and is no new risk.';
COMMENT ON COLUMN reports.balance_checks.balance_age_ms IS 'How old the cash was that was read last, in ms.';
COMMENT ON COLUMN reports.balance_checks.on_balance_error IS 'What the account is set to do without a balance: allow or deny.';
COMMENT ON COLUMN reports.balance_checks.rules_version IS 'Which thresholds were in force, by a short digest of them all.';
COMMENT ON COLUMN reports.balance_checks.order_event IS 'What became of the order there: submitting (sent on), rejected, deferred (put off by another check).';
COMMENT ON COLUMN reports.balance_checks.seq IS 'The number of the order''s event that holds the check.';
COMMENT ON COLUMN reports.balance_checks.source IS 'Where it came from: api, cli, sell_module, external, system and so on.';
COMMENT ON COLUMN reports.balance_checks.actor IS 'Who did it: a user, or the process that acted.';
COMMENT ON COLUMN reports.balance_checks.trace_id IS 'The same in the caller''s request, the log lines and every record of one operation.';
