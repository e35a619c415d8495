CREATE VIEW reports.account_types AS
SELECT c.occurred_at,
       (c.occurred_at AT TIME ZONE 'UTC')::date AS changed_on,
       a.name AS account,
       a.broker,
       c.new_type AS account_type,
       c.new_source AS account_type_source,
       c.new_number AS account_number,
       c.old_type AS old_account_type,
       c.old_source AS old_account_type_source,
       c.old_number AS old_account_number,
       c.reason,
       c.actor
  FROM audit.account_type_changes c
  LEFT JOIN trading.accounts a USING (account_id);

COMMENT ON VIEW reports.account_types IS
  'One row a change of an account''s kind, of how it is known, or of its number; a fallback is never a proven paper account.';
COMMENT ON COLUMN reports.account_types.occurred_at IS 'When it was read or said.';
COMMENT ON COLUMN reports.account_types.changed_on IS 'The day of it, UTC.';
COMMENT ON COLUMN reports.account_types.account IS 'The account''s name.';
COMMENT ON COLUMN reports.account_types.broker IS 'The venue: which broker the account is at.';
COMMENT ON COLUMN reports.account_types.account_type IS 'The kind since: paper or live.';
COMMENT ON COLUMN reports.account_types.account_type_source IS 'How it is known since: detected, endpoint, override, fallback.';
COMMENT ON COLUMN reports.account_types.account_number IS 'The broker''s number since; empty when none could be read.';
COMMENT ON COLUMN reports.account_types.old_account_type IS 'The kind before.';
COMMENT ON COLUMN reports.account_types.old_account_type_source IS 'How it was known before.';
COMMENT ON COLUMN reports.account_types.old_account_number IS 'The broker''s number before.';
COMMENT ON COLUMN reports.account_types.reason IS 'Why: what could not be read, what contradicts the configuration, or that an admin has confirmed the number.';
COMMENT ON COLUMN reports.account_types.actor IS 'Who did it: a user, or the process that acted.';
