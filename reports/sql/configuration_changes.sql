CREATE VIEW reports.configuration_changes AS
SELECT c.occurred_at,
       (c.occurred_at AT TIME ZONE 'UTC')::date AS day,
       c.subject,
       coalesce(c.new ->> 'account', c.old ->> 'account',
                substring(c.subject FROM '^accounts\.(.+)\.[^.]+$')) AS account,
       coalesce(c.old ->> 'value', c.old::text) AS old,
       coalesce(c.new ->> 'value', c.new::text) AS new,
       c.actor,
       c.host,
       c.recorded_at,
       c.change_id,
       c.corrects
  FROM audit.config_changes c;

COMMENT ON VIEW reports.configuration_changes IS
  'One row a change of settings, switches, accounts or users: who, when, old, new. Secrets say that they changed and no more.';
COMMENT ON COLUMN reports.configuration_changes.occurred_at IS 'When it happened, by the clock of whoever saw it.';
COMMENT ON COLUMN reports.configuration_changes.day IS 'The day of the change, UTC.';
COMMENT ON COLUMN reports.configuration_changes.subject IS 'The setting by its dotted name, or what was done: account disabled, user created, sell_module.stop and so on.';
COMMENT ON COLUMN reports.configuration_changes.account IS 'The account, where it is about one.';
COMMENT ON COLUMN reports.configuration_changes.old IS 'The value before; several as JSON; empty when there was none.';
COMMENT ON COLUMN reports.configuration_changes.new IS 'The value since; several as JSON; empty when there is none.';
COMMENT ON COLUMN reports.configuration_changes.actor IS 'Who changed it: a user, or the file or command that did.';
COMMENT ON COLUMN reports.configuration_changes.host IS 'The machine it happened on.';
COMMENT ON COLUMN reports.configuration_changes.recorded_at IS 'When it was written, by the database''s clock.';
COMMENT ON COLUMN reports.configuration_changes.change_id IS 'The change''s own id, in the order of time.';
COMMENT ON COLUMN reports.configuration_changes.corrects IS 'The change that this one corrects; empty for almost all.';
