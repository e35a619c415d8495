"""Make the first tables, the append-only audit trail and the first reports."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

SQL = Path(__file__).parent.parent / "sql"

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "config_changes",
        sa.Column("change_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("old", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("new", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "xid", sa.BigInteger(), server_default=sa.text("(pg_current_xact_id()::text)::bigint"), nullable=False
        ),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_config_changes")),
        schema="audit",
    )
    op.create_table(
        "operations",
        sa.Column("op_date", sa.Date(), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("account_name", sa.Text(), nullable=True),
        sa.Column("account_type", sa.Text(), nullable=True),
        sa.Column("account_type_source", sa.Text(), nullable=True),
        sa.Column("symbol", sa.Text(), nullable=True),
        sa.Column("success", sa.Boolean(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("total_ms", sa.Numeric(precision=12, scale=3), nullable=False),
        sa.Column("network_ms", sa.Numeric(precision=12, scale=3), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column(
            "detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column(
            "xid", sa.BigInteger(), server_default=sa.text("(pg_current_xact_id()::text)::bigint"), nullable=False
        ),
        sa.PrimaryKeyConstraint("op_date", "operation_id", name=op.f("pk_operations")),
        schema="audit",
        postgresql_partition_by="RANGE (op_date)",
    )
    op.create_index(
        "ix_operations_account_id_occurred_at",
        "operations",
        ["account_id", "occurred_at"],
        unique=False,
        schema="audit",
    )
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("broker", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("key_fingerprint", sa.Text(), nullable=False),
        sa.Column("account_number", sa.Text(), nullable=True),
        sa.Column("account_type", sa.Text(), nullable=False),
        sa.Column("account_type_source", sa.Text(), nullable=False),
        sa.Column("type_read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entries_blocked", sa.Text(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("minimum_balance", sa.Numeric(precision=20, scale=8), nullable=True),
        sa.Column("balance_check_enabled", sa.Boolean(), nullable=True),
        sa.Column("balance_rule", sa.Text(), nullable=True),
        sa.Column("on_balance_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("account_type IN ('paper', 'live')", name=op.f("ck_accounts_account_type_known")),
        sa.CheckConstraint(
            "account_type_source IN ('detected', 'endpoint', 'override', 'fallback')",
            name=op.f("ck_accounts_account_type_source_known"),
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("name", name=op.f("uq_accounts_name")),
        schema="trading",
    )
    op.create_table(
        "instruments",
        sa.Column("broker", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("asset_class", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tradable", sa.Boolean(), nullable=False),
        sa.Column("fractionable", sa.Boolean(), nullable=False),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("broker", "symbol", name=op.f("pk_instruments")),
        schema="trading",
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
        schema="trading",
    )
    op.create_table(
        "users",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("session_version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("disabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role IN ('trader', 'operator', 'compliance', 'admin')", name=op.f("ck_users_role_known")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_users")),
        sa.UniqueConstraint("username", name=op.f("uq_users_username")),
        schema="trading",
    )
    op.create_table(
        "account_type_changes",
        sa.Column("change_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("old_type", sa.Text(), nullable=True),
        sa.Column("new_type", sa.Text(), nullable=False),
        sa.Column("old_source", sa.Text(), nullable=True),
        sa.Column("new_source", sa.Text(), nullable=False),
        sa.Column("old_number", sa.Text(), nullable=True),
        sa.Column("new_number", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["trading.accounts.account_id"], name=op.f("fk_account_type_changes_account_id")
        ),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_account_type_changes")),
        schema="trading",
    )
    op.create_index(
        op.f("ix_account_type_changes_account_id"),
        "account_type_changes",
        ["account_id"],
        unique=False,
        schema="trading",
    )
    op.create_table(
        "balances",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("cash", sa.Numeric(precision=20, scale=8), nullable=False),
        sa.Column("buying_power", sa.Numeric(precision=20, scale=8), nullable=False),
        sa.Column("equity", sa.Numeric(precision=20, scale=8), nullable=False),
        sa.Column("read_seq", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["trading.accounts.account_id"], name=op.f("fk_balances_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_balances")),
        schema="trading",
    )
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("order_date", sa.Date(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("account_type", sa.Text(), nullable=False),
        sa.Column("account_type_source", sa.Text(), nullable=False),
        sa.Column("client_order_id", sa.Text(), nullable=False),
        sa.Column("broker_client_id", sa.Text(), nullable=False),
        sa.Column("broker_order_id", sa.Text(), nullable=True),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("asset_class", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("order_type", sa.Text(), nullable=False),
        sa.Column("time_in_force", sa.Text(), nullable=False),
        sa.Column("qty", sa.Numeric(precision=20, scale=8), nullable=False),
        sa.Column("limit_price", sa.Numeric(precision=20, scale=8), nullable=True),
        sa.Column("multiplier", sa.Numeric(precision=20, scale=8), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("rejected_by", sa.Text(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("filled_qty", sa.Numeric(precision=20, scale=8), server_default=sa.text("0"), nullable=False),
        sa.Column("filled_avg_price", sa.Numeric(precision=20, scale=8), nullable=True),
        sa.Column("fills_known_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reserved", sa.Numeric(precision=20, scale=8), server_default=sa.text("0"), nullable=False),
        sa.Column("ended_seq", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("place_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hints", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_hint_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("order_type IN ('market', 'limit')", name=op.f("ck_orders_order_type_known")),
        sa.CheckConstraint("side IN ('buy', 'sell')", name=op.f("ck_orders_side_known")),
        sa.CheckConstraint(
            "status IN ('requested', 'submitting', 'unknown', 'accepted', 'partially_filled', 'filled', 'canceled', 'expired', 'replaced', 'rejected', 'quarantined')",
            name=op.f("ck_orders_status_known"),
        ),
        sa.CheckConstraint("time_in_force IN ('day', 'gtc')", name=op.f("ck_orders_time_in_force_known")),
        sa.ForeignKeyConstraint(["account_id"], ["trading.accounts.account_id"], name=op.f("fk_orders_account_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_orders")),
        sa.UniqueConstraint("account_id", "broker_client_id", name=op.f("uq_orders_account_id_broker_client_id")),
        sa.UniqueConstraint("account_id", "client_order_id", name=op.f("uq_orders_account_id_client_order_id")),
        sa.UniqueConstraint("order_id", "order_date", name=op.f("uq_orders_order_id_order_date")),
        schema="trading",
    )
    op.create_index(
        "ix_orders_account_id_requested_at", "orders", ["account_id", "requested_at"], unique=False, schema="trading"
    )
    op.create_index(
        "ix_orders_due_at",
        "orders",
        ["due_at"],
        unique=False,
        schema="trading",
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_orders_reserved",
        "orders",
        ["account_id"],
        unique=False,
        schema="trading",
        postgresql_where=sa.text("reserved > 0"),
    )
    op.create_table(
        "order_events",
        sa.Column("order_date", sa.Date(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("account_type", sa.Text(), nullable=False),
        sa.Column("account_type_source", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("success", sa.Boolean(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("total_ms", sa.Numeric(precision=12, scale=3), nullable=True),
        sa.Column("network_ms", sa.Numeric(precision=12, scale=3), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column(
            "detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column(
            "xid", sa.BigInteger(), server_default=sa.text("(pg_current_xact_id()::text)::bigint"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["order_id", "order_date"],
            ["trading.orders.order_id", "trading.orders.order_date"],
            name=op.f("fk_order_events_order_id_order_date"),
        ),
        sa.PrimaryKeyConstraint("order_date", "order_id", "seq", name=op.f("pk_order_events")),
        schema="audit",
        postgresql_partition_by="RANGE (order_date)",
    )
    op.create_index(
        "ix_order_events_account_id_occurred_at",
        "order_events",
        ["account_id", "occurred_at"],
        unique=False,
        schema="audit",
    )
    op.create_index(
        "ix_order_events_reason",
        "order_events",
        ["event_type", "reason_code", "occurred_at"],
        unique=False,
        schema="audit",
        postgresql_where=sa.text("reason_code IS NOT NULL"),
    )
    op.create_table(
        "fills",
        sa.Column("fill_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("broker_order_id", sa.Text(), nullable=False),
        sa.Column("broker_fill_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("qty", sa.Numeric(precision=20, scale=8), nullable=False),
        sa.Column("price", sa.Numeric(precision=20, scale=8), nullable=False),
        sa.Column("cum_qty", sa.Numeric(precision=20, scale=8), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(["account_id"], ["trading.accounts.account_id"], name=op.f("fk_fills_account_id")),
        sa.ForeignKeyConstraint(["order_id"], ["trading.orders.order_id"], name=op.f("fk_fills_order_id")),
        sa.PrimaryKeyConstraint("fill_id", name=op.f("pk_fills")),
        sa.UniqueConstraint(
            "account_id", "broker_order_id", "cum_qty", name=op.f("uq_fills_account_id_broker_order_id_cum_qty")
        ),
        schema="trading",
    )
    op.create_index("ix_fills_account_id_symbol", "fills", ["account_id", "symbol"], unique=False, schema="trading")
    op.create_index("ix_fills_order_id", "fills", ["order_id"], unique=False, schema="trading")
    for script in ("0001_audit.sql", "0001_reports.sql"):
        op.execute(sa.text((SQL / script).read_text()))


def downgrade() -> None:
    message = "the audit trail is never taken back; restore a backup instead"
    raise NotImplementedError(message)
