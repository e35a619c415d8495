CREATE VIEW reports.overrides_and_fail_open AS
SELECT e.occurred_at,
       e.order_date AS day,
       CASE WHEN e.event_type = 'resolved' THEN 'quarantine answered' ELSE 'allowed with a warning' END AS kind,
       a.name AS account,
       e.account_type,
       e.account_type_source,
       e.order_id,
       o.symbol,
       NULL::text AS subject,
       CASE WHEN e.event_type = 'resolved' THEN e.reason_code ELSE w.codes END AS reason_code,
       e.reason,
       e.detail ->> 'before' AS old,
       e.detail ->> 'after' AS new,
       e.actor,
       e.order_id || '/' || e.seq AS record_id
  FROM audit.order_events e
 CROSS JOIN LATERAL (
   SELECT string_agg(code, ', ') AS codes
     FROM jsonb_array_elements_text(CASE WHEN e.event_type = 'resolved' THEN '[]' ELSE e.detail -> 'warnings' END) code
 ) w
  LEFT JOIN trading.orders o ON (o.order_id, o.order_date) = (e.order_id, e.order_date)
  LEFT JOIN trading.accounts a ON a.account_id = e.account_id
 WHERE e.event_type = 'resolved'
    OR e.event_type IN ('submitting', 'rejected', 'deferred') AND e.detail -> 'warnings' <> '[]'
UNION ALL
SELECT t.occurred_at, (t.occurred_at AT TIME ZONE 'UTC')::date, 'account type overridden', a.name, t.new_type,
       t.new_source, NULL, NULL, NULL, NULL, t.reason, t.old_type, t.new_type, t.actor,
       t.change_id::text
  FROM audit.account_type_changes t
  LEFT JOIN trading.accounts a ON a.account_id = t.account_id
 WHERE t.new_source = 'override'
UNION ALL
SELECT c.occurred_at, (c.occurred_at AT TIME ZONE 'UTC')::date,
       CASE WHEN n.account IS NULL THEN c.subject ELSE 'account overridden by configuration' END,
       a.name, a.account_type, a.account_type_source, NULL, coalesce(c.new, c.old) ->> 'symbol', c.subject, NULL, NULL,
       coalesce(c.old ->> 'value', c.old::text), coalesce(c.new ->> 'value', c.new::text), c.actor,
       c.change_id::text
  FROM audit.config_changes c
 CROSS JOIN LATERAL (
   SELECT substring(c.subject FROM '^accounts\.(.+)\.(?:account_type|minimum_balance|balance_rule|on_balance_error|'
                                   'balance_check_enabled)$') AS account
 ) n
  LEFT JOIN trading.accounts a ON a.name = coalesce(n.account, c.new ->> 'account', c.old ->> 'account')
 WHERE n.account IS NOT NULL
    OR c.subject IN ('account number confirmed', 'account enabled', 'account disabled', 'auto_sell_enabled');

COMMENT ON VIEW reports.overrides_and_fail_open IS
  'What went past a check or was decided by a person: confirmed numbers, switches, overrides, answers to quarantine, and every order that was allowed with a warning.';
COMMENT ON COLUMN reports.overrides_and_fail_open.occurred_at IS 'When it happened, by the clock of whoever saw it.';
COMMENT ON COLUMN reports.overrides_and_fail_open.day IS 'The day of it, UTC; of an order, the day it was requested.';
COMMENT ON COLUMN reports.overrides_and_fail_open.kind IS 'What it is: allowed with a warning, quarantine answered, account type overridden, account overridden by configuration, account number confirmed, account enabled, account disabled, auto_sell_enabled.';
COMMENT ON COLUMN reports.overrides_and_fail_open.account IS 'The account''s name.';
COMMENT ON COLUMN reports.overrides_and_fail_open.account_type IS 'Paper or live: of an order as it was then, of a change by a person as the account is now.';
COMMENT ON COLUMN reports.overrides_and_fail_open.account_type_source IS 'How that is known: detected, endpoint, override, fallback.';
COMMENT ON COLUMN reports.overrides_and_fail_open.order_id IS 'The order, where it is about one.';
COMMENT ON COLUMN reports.overrides_and_fail_open.symbol IS 'The instrument by its ticker; an option by its OCC symbol.';
COMMENT ON COLUMN reports.overrides_and_fail_open.subject IS 'The setting or switch, where it is about one.';
COMMENT ON COLUMN reports.overrides_and_fail_open.reason_code IS 'The warnings of the checks, or the operator''s answer, as words to count by.';
COMMENT ON COLUMN reports.overrides_and_fail_open.reason IS 'Why, as a sentence.';
COMMENT ON COLUMN reports.overrides_and_fail_open.old IS 'What it was before.';
COMMENT ON COLUMN reports.overrides_and_fail_open.new IS 'What it is since.';
COMMENT ON COLUMN reports.overrides_and_fail_open.actor IS 'Who decided; for a warning, who asked for the order''s next step.';
COMMENT ON COLUMN reports.overrides_and_fail_open.record_id IS 'The record''s own name: an order''s event by the order and its number, anything else by its id.';
