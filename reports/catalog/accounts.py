"""Reports about accounts: what kind they are, and how that changed."""

from reports.catalog.report import BY_KIND, Report

REPORTS = (
    Report(
        name="account-types",
        view="reports.account_types",
        what="every change of an account's kind, of how it is known, or of its number",
        shown=(
            *("occurred_at", "account", "account_type", "account_type_source", "account_number"),
            *("old_account_type", "old_account_type_source", "old_account_number", "reason", "actor"),
        ),
        order_by="occurred_at DESC, account, account_type, account_type_source, account_number",
        day_column="changed_on",
        filters={**BY_KIND, "broker": "broker", "actor": "actor"},
    ),
    Report(
        name="account-type-distribution",
        view="reports.account_type_distribution",
        what="how many accounts there are of each kind now, and how the kind is known",
        shown=(
            *("account_type", "account_type_source", "broker", "accounts", "enabled", "blocked", "unread"),
            "names",
        ),
        order_by="account_type, account_type_source, broker",
        day_column="day",
        account_column=None,
        filters={**BY_KIND, "broker": "broker"},
    ),
)
