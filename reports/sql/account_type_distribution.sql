CREATE VIEW reports.account_type_distribution AS
SELECT (now() AT TIME ZONE 'UTC')::date AS day,
       a.account_type,
       a.account_type_source,
       a.broker,
       count(*) AS accounts,
       count(*) FILTER (WHERE a.enabled AND a.disabled_by IS NULL) AS enabled,
       count(*) FILTER (WHERE a.entries_blocked IS NOT NULL) AS blocked,
       count(*) FILTER (WHERE a.type_read_at IS NULL) AS unread,
       string_agg(a.name, ', ' ORDER BY a.name) AS names
  FROM trading.accounts a
 GROUP BY a.account_type, a.account_type_source, a.broker;

COMMENT ON VIEW reports.account_type_distribution IS
  'How many accounts there are of each kind now, and how the kind is known; a fallback is never a proven paper account.';
COMMENT ON COLUMN reports.account_type_distribution.day IS 'The day of the count, UTC: always today.';
COMMENT ON COLUMN reports.account_type_distribution.account_type IS 'Paper or live, as it was known then.';
COMMENT ON COLUMN reports.account_type_distribution.account_type_source IS 'How the kind is known: detected, endpoint, override, fallback. A fallback is no proof.';
COMMENT ON COLUMN reports.account_type_distribution.broker IS 'The venue: which broker the account is at.';
COMMENT ON COLUMN reports.account_type_distribution.accounts IS 'How many accounts there are.';
COMMENT ON COLUMN reports.account_type_distribution.enabled IS 'How many of them take orders.';
COMMENT ON COLUMN reports.account_type_distribution.blocked IS 'How many of them take no entries, because their number or their type needs a decision.';
COMMENT ON COLUMN reports.account_type_distribution.unread IS 'How many of them have never been read from their broker with their present keys.';
COMMENT ON COLUMN reports.account_type_distribution.names IS 'The accounts by name.';
