"""Index the trail by what officers ask of it: an account's day, a month's percentiles, what went otherwise (TRD-001)."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_order_events_account_id_occurred_at", "order_events", schema="audit")
    op.drop_index("ix_order_events_reason", "order_events", schema="audit")
    op.create_index(
        "ix_order_events_account_day",
        "order_events",
        ["account_id", "order_date", "occurred_at"],
        schema="audit",
    )
    op.create_index(
        "ix_order_events_timing",
        "order_events",
        ["account_type", "order_date"],
        schema="audit",
        postgresql_include=[
            "order_id",
            "account_id",
            "account_type_source",
            "stage",
            "event_type",
            "total_ms",
            "network_ms",
        ],
        postgresql_where=sa.text("total_ms IS NOT NULL AND event_type NOT IN ('requested', 'submitting')"),
    )
    op.create_index(
        "ix_order_events_kind",
        "order_events",
        ["event_type", "order_date"],
        schema="audit",
        postgresql_where=sa.text(
            "event_type NOT IN ('requested', 'submitting', 'accepted', 'partially_filled', 'filled')"
        ),
    )
    op.create_index(
        "ix_order_events_reason",
        "order_events",
        ["reason_code", "order_date"],
        schema="audit",
        postgresql_where=sa.text("reason_code IS NOT NULL"),
    )
    op.create_index(
        "ix_operations_kind",
        "operations",
        ["operation", "op_date"],
        schema="audit",
        postgresql_where=sa.text("operation NOT IN ('balance_read', 'price_read', 'reconcile')"),
    )
    for table in ("order_events", "operations", "config_changes", "account_type_changes", "clock_checks"):
        op.drop_index(f"ix_{table}_xid", table, schema="audit")
        op.create_index(
            f"ix_{table}_xid",
            table,
            ["xid"],
            schema="audit",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 128, "autosummarize": True},
        )


def downgrade() -> None:
    message = "the audit trail is never taken back; restore a backup instead"
    raise NotImplementedError(message)
