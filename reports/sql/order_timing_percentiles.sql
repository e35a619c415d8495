CREATE VIEW reports.order_timing_percentiles AS
SELECT t.order_date,
       t.account_type,
       t.account_type_source,
       t.broker,
       t.stage,
       t.outcome,
       t.attempts,
       t.total[1]::numeric(12, 3) AS total_ms_p50,
       t.total[2]::numeric(12, 3) AS total_ms_p95,
       t.total[3]::numeric(12, 3) AS total_ms_p99,
       t.total_ms_max,
       t.network[1]::numeric(12, 3) AS network_ms_p50,
       t.network[2]::numeric(12, 3) AS network_ms_p95,
       t.network[3]::numeric(12, 3) AS network_ms_p99,
       t.network_ms_max
  FROM (
    -- binary numbers hold three decimals exactly enough, and sort several times as fast
    SELECT order_date, account_type, account_type_source, broker, stage, outcome,
           count(*) AS attempts,
           percentile_disc(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY total_ms::float8) AS total,
           max(total_ms) AS total_ms_max,
           percentile_disc(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY network_ms::float8) AS network,
           max(network_ms) AS network_ms_max
      FROM reports.order_timing
     GROUP BY order_date, account_type, account_type_source, broker, stage, outcome
  ) t;

COMMENT ON VIEW reports.order_timing_percentiles IS
  'Percentiles of every day''s attempts by kind of account, venue and operation. Each is a duration that was measured (nearest rank), in ms.';
COMMENT ON COLUMN reports.order_timing_percentiles.order_date IS 'The day that the order was requested, UTC; what a question for a day should name.';
COMMENT ON COLUMN reports.order_timing_percentiles.account_type IS 'Paper or live, as it was known then.';
COMMENT ON COLUMN reports.order_timing_percentiles.account_type_source IS 'How the kind is known: detected, endpoint, override, fallback. A fallback is no proof.';
COMMENT ON COLUMN reports.order_timing_percentiles.broker IS 'The venue: which broker the account is at.';
COMMENT ON COLUMN reports.order_timing_percentiles.stage IS 'The operation: claim, send, settle, cancel, resolve.';
COMMENT ON COLUMN reports.order_timing_percentiles.outcome IS 'What became of the attempts: accepted, rejected, unknown, cancel_sent, looked_up and so on.';
COMMENT ON COLUMN reports.order_timing_percentiles.attempts IS 'How many attempts there were.';
COMMENT ON COLUMN reports.order_timing_percentiles.total_ms_p50 IS 'Half of the attempts took at most so long as a whole, in ms.';
COMMENT ON COLUMN reports.order_timing_percentiles.total_ms_p95 IS '95 of 100 attempts took at most so long as a whole, in ms.';
COMMENT ON COLUMN reports.order_timing_percentiles.total_ms_p99 IS '99 of 100 attempts took at most so long as a whole, in ms.';
COMMENT ON COLUMN reports.order_timing_percentiles.total_ms_max IS 'The longest attempt as a whole, in ms.';
COMMENT ON COLUMN reports.order_timing_percentiles.network_ms_p50 IS 'Half of the attempts that reached the wire were there at most so long, in ms.';
COMMENT ON COLUMN reports.order_timing_percentiles.network_ms_p95 IS '95 of 100 attempts that reached the wire were there at most so long, in ms.';
COMMENT ON COLUMN reports.order_timing_percentiles.network_ms_p99 IS '99 of 100 attempts that reached the wire were there at most so long, in ms.';
COMMENT ON COLUMN reports.order_timing_percentiles.network_ms_max IS 'The longest time on the wire, in ms.';
