"""The reports: one view in schema `reports` each, with the filters that make sense for it (TRD-001, card)."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Report:
    """A report: its view, the columns a table shows (a file has all), and which columns its filters mean.

    `order_by` tells any two rows apart: pages begin where the last one ended. `filters` are those besides account and
    days: what they are called, and the column that each compares.
    """

    name: str
    view: str
    what: str
    shown: tuple[str, ...]
    order_by: str
    day_column: str = "order_date"
    account_column: str = "account"
    filters: Mapping[str, str] = field(default_factory=dict)


REPORTS = {
    report.name: report
    for report in (
        Report(
            name="order-timing",
            view="reports.order_timing",
            what="one row an attempt, allowed or refused: total_ms whole operation, network_ms on the wire",
            shown=(
                "occurred_at",
                "account",
                "account_type",
                "side",
                "symbol",
                "qty",
                "outcome",
                "reason_code",
                "total_ms",
                "network_ms",
                "order_status",
            ),
            order_by="occurred_at DESC, order_id DESC, outcome, stage",
            filters={
                "symbol": "symbol",
                "side": "side",
                "account_type": "account_type",
                "outcome": "outcome",
                "reason": "reason_code",
                "source": "source",
                "actor": "actor",
                "order_id": "order_id",
                "trace_id": "trace_id",
            },
        ),
        Report(
            name="orders-by-account-type",
            view="reports.orders_by_account_type",
            what="orders of a day by kind of account and how the kind is known",
            shown=(
                "order_date",
                "account_type",
                "account_type_source",
                "account",
                "status",
                "orders",
                "filled_qty",
                "filled_notional",
            ),
            order_by="order_date DESC, account_type, account_type_source, account, status",
            filters={"account_type": "account_type", "account_type_source": "account_type_source", "status": "status"},
        ),
        Report(
            name="account-types",
            view="reports.account_types",
            what="every change of an account's kind, of how it is known, or of its number",
            shown=(
                "occurred_at",
                "account",
                "account_type",
                "account_type_source",
                "account_number",
                "old_account_type",
                "old_account_type_source",
                "old_account_number",
                "reason",
                "actor",
            ),
            order_by="occurred_at DESC, account, account_type, account_type_source, account_number",
            day_column="changed_on",
            filters={"account_type": "account_type", "actor": "actor"},
        ),
    )
}
