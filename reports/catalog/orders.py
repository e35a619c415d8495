"""Reports about orders: how long they took, what was asked for, and how they ended."""

from reports.catalog.report import BY_KIND, BY_ORDER, Report

_SOURCE = {"source": "source", "actor": "actor"}

REPORTS = (
    Report(
        name="order-timing",
        view="reports.order_timing",
        what="one row an attempt, allowed or refused: total_ms whole operation, network_ms on the wire",
        shown=(
            *("occurred_at", "account", "account_type", "side", "symbol", "qty", "outcome", "reason_code"),
            *("total_ms", "network_ms", "order_status"),
        ),
        order_by="occurred_at DESC, order_id DESC, outcome, stage",
        filters={
            **BY_ORDER,
            **_SOURCE,
            "stage": "stage",
            "outcome": "outcome",
            "reason": "reason_code",
            "status": "order_status",
            "order_id": "order_id",
            "trace_id": "trace_id",
        },
    ),
    Report(
        name="order-timing-percentiles",
        view="reports.order_timing_percentiles",
        what="p50, p95, p99 and the longest of every day's attempts by kind of account, venue and operation, in ms",
        shown=(
            *("order_date", "account_type", "account_type_source", "broker", "stage", "outcome", "attempts"),
            *("total_ms_p50", "total_ms_p95", "total_ms_p99", "network_ms_p50", "network_ms_p95", "network_ms_p99"),
        ),
        order_by="order_date DESC, account_type, account_type_source, broker, stage, outcome",
        account_column=None,
        filters={**BY_KIND, "broker": "broker", "stage": "stage", "outcome": "outcome"},
    ),
    Report(
        name="orders-by-account-type",
        view="reports.orders_by_account_type",
        what="orders of a day by kind of account and how the kind is known",
        shown=(
            *("order_date", "account_type", "account_type_source", "account", "status", "orders", "filled_qty"),
            "filled_notional",
        ),
        order_by="order_date DESC, account_type, account_type_source, account, status",
        filters={**BY_KIND, "status": "status"},
    ),
    Report(
        name="blotter",
        view="reports.blotter",
        what="one row an order: what was asked for, by whom and when, and where it stands now",
        shown=(
            *("requested_at", "account", "account_type", "side", "symbol", "qty", "notional", "order_type"),
            *("limit_price", "status", "filled_qty", "filled_avg_price", "actor"),
        ),
        order_by="requested_at DESC, order_id",
        filters={**BY_ORDER, **_SOURCE, "order_id": "order_id", "status": "status", "reason": "reason_code"},
    ),
    Report(
        name="order-lifecycle",
        view="reports.order_lifecycle",
        what="every event of an order in the order of seq, with all its stamps",
        shown=(
            *("occurred_at", "order_id", "seq", "event_type", "stage", "success", "reason_code", "total_ms"),
            *("network_ms", "actor"),
        ),
        order_by="order_date DESC, order_id, seq",
        filters={
            **BY_ORDER,
            **_SOURCE,
            "order_id": "order_id",
            "event": "event_type",
            "stage": "stage",
            "reason": "reason_code",
            "trace_id": "trace_id",
        },
    ),
    Report(
        name="cancellations",
        view="reports.cancellations",
        what="cancelled orders: why, who wanted it, how old they were, and what asking the broker took",
        shown=(
            *("canceled_at", "account", "account_type", "side", "symbol", "qty", "filled_qty", "reason_code"),
            *("requested_by", "age_at_request_ms", "age_at_end_ms", "attempts"),
        ),
        order_by="canceled_at DESC, order_id",
        filters={**BY_ORDER, "reason": "reason_code", "requested_by": "requested_by", "source": "source"},
    ),
    Report(
        name="unknown-outcomes",
        view="reports.unknown_outcomes",
        what="orders of which for a time nobody knew whether the broker had them: since when, how it ended",
        shown=(
            *("since", "account", "account_type", "side", "symbol", "became", "reason_code", "settled_as"),
            *("unsettled_ms", "lookups", "was_quarantined", "order_status"),
        ),
        order_by="since DESC, order_id",
        filters={**BY_ORDER, "became": "became", "reason": "reason_code", "status": "order_status"},
    ),
    Report(
        name="rate-limit-incidents",
        view="reports.rate_limit_incidents",
        what="requests that a broker refused for their number, and orders that waited for our own budget",
        shown=(
            *("occurred_at", "account", "account_type", "kind", "operation", "symbol", "stage", "wait_ms", "reason"),
        ),
        order_by="occurred_at DESC, record_id",
        day_column="day",
        filters={**BY_KIND, "kind": "kind", "operation": "operation", "broker": "broker", "symbol": "symbol"},
    ),
)
