"""The reports: one view in schema `reports` each, with the filters that make sense for it (TRD-001, card)."""

from reports.catalog import accounts, money, orders, record, refusals
from reports.catalog.report import Report

REPORTS: dict[str, Report] = {
    report.name: report
    for report in (*orders.REPORTS, *refusals.REPORTS, *accounts.REPORTS, *money.REPORTS, *record.REPORTS)
}

__all__ = ["REPORTS", "Report"]
