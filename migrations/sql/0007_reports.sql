-- The history of what kind every account was. It runs with the owner's rights: compliance_ro needs nothing but this schema.

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
  FROM trading.account_type_changes c
  JOIN trading.accounts a USING (account_id);
COMMENT ON VIEW reports.account_types IS
  'One row a change of an account''s kind, of how it is known, or of its number; a fallback is never a proven paper account.';

GRANT SELECT ON reports.account_types TO compliance_ro, opitios_app;
