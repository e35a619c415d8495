CREATE VIEW reports.rejections_by_reason AS
SELECT order_date,
       account,
       account_type,
       account_type_source,
       operation,
       rejected_by,
       reason_code,
       count(*) AS rejections,
       min(rejected_at) AS first_at,
       max(rejected_at) AS last_at
  FROM reports.rejections
 GROUP BY order_date, account, account_type, account_type_source, operation, rejected_by, reason_code;

COMMENT ON VIEW reports.rejections_by_reason IS 'Rejections of a day counted by account, operation, who rejected, and reason.';
COMMENT ON COLUMN reports.rejections_by_reason.order_date IS 'The day that the order was requested, UTC; what a question for a day should name.';
COMMENT ON COLUMN reports.rejections_by_reason.account IS 'The account''s name.';
COMMENT ON COLUMN reports.rejections_by_reason.account_type IS 'Paper or live, as it was known then.';
COMMENT ON COLUMN reports.rejections_by_reason.account_type_source IS 'How the kind is known: detected, endpoint, override, fallback. A fallback is no proof.';
COMMENT ON COLUMN reports.rejections_by_reason.operation IS 'What was refused: place_order, replace_order, cancel_order.';
COMMENT ON COLUMN reports.rejections_by_reason.rejected_by IS 'Who rejected: opitios (a rule, or the request itself), broker, operator.';
COMMENT ON COLUMN reports.rejections_by_reason.reason_code IS 'Why, as a word to count by; empty when all went well.';
COMMENT ON COLUMN reports.rejections_by_reason.rejections IS 'How many there were.';
COMMENT ON COLUMN reports.rejections_by_reason.first_at IS 'When the first of them was.';
COMMENT ON COLUMN reports.rejections_by_reason.last_at IS 'When the last of them was.';
