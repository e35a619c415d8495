"""Reports about what was checked before an order: refusals, balances, and what went past a check."""

from reports.catalog.report import BY_KIND, BY_ORDER, Report

REPORTS = (
    Report(
        name="rejections",
        view="reports.rejections",
        what="one row a rejection, with who rejected and the numbers; also requests that never became an order",
        shown=(
            *("rejected_at", "account", "account_type", "side", "symbol", "rejected_by", "reason_code"),
            *("available", "minimum", "order_cost", "reason"),
        ),
        order_by="rejected_at DESC, record_id",
        filters={
            **BY_ORDER,
            "operation": "operation",
            "reason": "reason_code",
            "rejected_by": "rejected_by",
            "actor": "actor",
        },
    ),
    Report(
        name="rejections-by-reason",
        view="reports.rejections_by_reason",
        what="rejections of a day counted by account, who rejected, and reason",
        shown=(
            *("order_date", "account", "account_type", "account_type_source", "operation", "rejected_by"),
            *("reason_code", "rejections"),
        ),
        order_by=(
            "order_date DESC, rejections DESC, account, account_type, account_type_source, operation, rejected_by, "
            "reason_code"
        ),
        filters={**BY_KIND, "operation": "operation", "reason": "reason_code", "rejected_by": "rejected_by"},
    ),
    Report(
        name="balance-checks",
        view="reports.balance_checks",
        what="every check of free cash before an order: what it saw, and what it said",
        shown=(
            *("occurred_at", "account", "account_type", "symbol", "outcome", "cash", "reserved", "available"),
            *("minimum", "order_cost", "exempt_because"),
        ),
        order_by="occurred_at DESC, order_id, seq",
        filters={**BY_ORDER, "outcome": "outcome", "reason": "reason_code", "source": "source"},
    ),
    Report(
        name="overrides-and-fail-open",
        view="reports.overrides_and_fail_open",
        what="what went past a check or was decided by a person, with who and why",
        shown=("occurred_at", "kind", "account", "account_type", "symbol", "reason_code", "reason", "new", "actor"),
        order_by="occurred_at DESC, record_id",
        day_column="day",
        filters={**BY_KIND, "kind": "kind", "reason": "reason_code", "actor": "actor", "symbol": "symbol"},
    ),
)
