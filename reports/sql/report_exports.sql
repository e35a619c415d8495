CREATE VIEW reports.report_exports AS
SELECT p.occurred_at,
       p.op_date AS day,
       p.detail ->> 'report' AS report,
       p.detail ->> 'format' AS format,
       coalesce(p.account_name, p.detail #>> '{filters,account}') AS account,
       p.detail -> 'filters' AS filters,
       (p.detail ->> 'rows')::bigint AS row_count,
       p.detail ->> 'sha256' AS sha256,
       (p.detail ->> 'as_of')::timestamptz AS as_of,
       p.success,
       p.reason_code,
       p.reason,
       p.total_ms,
       p.source,
       p.actor,
       p.host,
       p.trace_id,
       p.detail ->> 'query' AS query,
       p.operation_id
  FROM audit.operations p
 WHERE p.operation = 'report_export';

COMMENT ON VIEW reports.report_exports IS
  'One row a report that was taken away as a file or over the API, failed ones too: who, which, how much, and its SHA-256.';
COMMENT ON COLUMN reports.report_exports.occurred_at IS 'When it happened, by the clock of whoever saw it.';
COMMENT ON COLUMN reports.report_exports.day IS 'The day of the export, UTC.';
COMMENT ON COLUMN reports.report_exports.report IS 'The report''s name.';
COMMENT ON COLUMN reports.report_exports.format IS 'csv, xlsx, parquet or json.';
COMMENT ON COLUMN reports.report_exports.account IS 'The account that it was filtered by; empty for all.';
COMMENT ON COLUMN reports.report_exports.filters IS 'What it was filtered by, as JSON.';
COMMENT ON COLUMN reports.report_exports.row_count IS 'How many rows it has.';
COMMENT ON COLUMN reports.report_exports.sha256 IS 'The digest of what was handed out, to be compared with the file.';
COMMENT ON COLUMN reports.report_exports.as_of IS 'The moment that the report shows, by the database''s clock.';
COMMENT ON COLUMN reports.report_exports.success IS 'Whether it came to its end.';
COMMENT ON COLUMN reports.report_exports.reason_code IS 'Why, as a word to count by; empty when all went well.';
COMMENT ON COLUMN reports.report_exports.reason IS 'Why, as a sentence.';
COMMENT ON COLUMN reports.report_exports.total_ms IS 'How long the whole operation took, in ms, by a clock that nobody sets.';
COMMENT ON COLUMN reports.report_exports.source IS 'Where it came from: api, cli, sell_module, external, system and so on.';
COMMENT ON COLUMN reports.report_exports.actor IS 'Who took it.';
COMMENT ON COLUMN reports.report_exports.host IS 'The machine it happened on.';
COMMENT ON COLUMN reports.report_exports.trace_id IS 'The same in the caller''s request, the log lines and every record of one operation.';
COMMENT ON COLUMN reports.report_exports.query IS 'The statement that was run.';
COMMENT ON COLUMN reports.report_exports.operation_id IS 'The record''s own id.';
