"""Make room for the seller: its switch, lots, exits and ticks, and when an order is cancelled unfilled (TRD-002)."""

import uuid
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)
USD = sa.Numeric(20, 8)
SHARES = sa.Numeric(20, 9)
MS = sa.Numeric(12, 3)
REASONS = ("take_profit", "stop_loss", "time_limit", "zero_day", "closing_window", "short_cover")


def upgrade() -> None:
    for column in (
        sa.Column("auto_sell_enabled", sa.Boolean(), nullable=True),
        sa.Column("cancel_after_s", MS, nullable=True),
        sa.Column("cancel_after", WHEN, nullable=True),
    ):
        op.add_column("orders", column, schema="trading")
    # what was recorded lately, for next to nothing at each insert: a fill's time only rises
    for table in ("fills", "position_corrections"):
        op.create_index(f"ix_{table}_recorded_at", table, ["recorded_at"], schema="trading", postgresql_using="brin")
    given = sa.text("cancel_after IS NOT NULL")
    op.create_index("ix_orders_cancel_after", "orders", ["cancel_after"], schema="trading", postgresql_where=given)
    _module()
    _lots()
    _exits()
    _ticks()
    op.execute("GRANT SELECT, INSERT, UPDATE ON trading.sell_module, trading.lots, trading.exits TO opitios_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON trading.sell_ticks TO opitios_app")


def downgrade() -> None:
    message = "the audit trail is never taken back; restore a backup instead"
    raise NotImplementedError(message)


def _module() -> None:
    op.create_table(
        "sell_module",
        sa.Column("one_row", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("running", sa.Boolean(), nullable=False),
        sa.Column("configured", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("changed_at", WHEN, nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("started_at", WHEN, nullable=True),
        sa.Column("tick_begun_at", WHEN, nullable=True),
        sa.Column("tick_ended_at", WHEN, nullable=True),
        sa.Column("tick_process", sa.Text(), nullable=True),
        sa.CheckConstraint("one_row", name=op.f("ck_sell_module_one_row")),
        sa.PrimaryKeyConstraint("one_row", name=op.f("pk_sell_module")),
        schema="trading",
    )


def _lots() -> None:
    op.create_table(
        "lots",
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        _id("account_id"),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("qty", SHARES, nullable=False),
        sa.Column("entry_price", USD, nullable=True),
        sa.Column("moves", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", WHEN, nullable=False),
        sa.Column("closed_at", WHEN, nullable=True),
        sa.Column("auto_sell_enabled", sa.Boolean(), nullable=False),
        sa.Column("auto_sell_by", sa.Text(), nullable=False),
        sa.Column("mark_price", USD, nullable=True),
        sa.Column("marked_at", WHEN, nullable=True),
        sa.Column("unrealized_pnl", USD, nullable=True),
        _refers("lots", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("lot_id", name=op.f("pk_lots")),
        schema="trading",
    )
    # marks change all the time: room for them beside each row, so that no index is touched
    op.execute("ALTER TABLE trading.lots SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05)")
    op.create_index(
        "ix_lots_open",
        "lots",
        ["account_id", "symbol"],
        unique=True,
        schema="trading",
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def _exits() -> None:
    listed = ", ".join(f"'{reason}'" for reason in REASONS)
    op.create_table(
        "exits",
        _id("lot_id"),
        sa.Column("attempt", sa.BigInteger(), autoincrement=False, nullable=False),
        _id("order_id"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("price", USD, nullable=False),
        sa.Column("price_at", WHEN, nullable=False),
        sa.Column("price_source", sa.Text(), nullable=False),
        sa.Column("degraded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("decided_at", WHEN, nullable=False),
        sa.CheckConstraint(f"reason IN ({listed})", name=op.f("ck_exits_reason_known")),
        _refers("exits", "lot_id", "lots"),
        _refers("exits", "order_id", "orders"),
        sa.PrimaryKeyConstraint("lot_id", "attempt", name=op.f("pk_exits")),
        sa.UniqueConstraint("order_id", name=op.f("uq_exits_order_id")),
        schema="trading",
    )
    op.create_index("ix_exits_decided_at", "exits", ["decided_at"], schema="trading")


def _ticks() -> None:
    op.create_table(
        "sell_ticks",
        sa.Column("tick_id", sa.Uuid(), nullable=False),
        sa.Column("begun_at", WHEN, nullable=False),
        sa.Column("total_ms", MS, nullable=False),
        sa.Column("price_ms", MS, nullable=False),
        sa.Column("degraded", sa.Boolean(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("accounts", "positions", "requests", "exits")),
        sa.Column("failures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tick_id", name=op.f("pk_sell_ticks")),
        schema="trading",
    )
    op.create_index("ix_sell_ticks_begun_at", "sell_ticks", ["begun_at"], schema="trading")


def _id(name: str) -> sa.Column[uuid.UUID]:
    return sa.Column(name, sa.Uuid(), nullable=False)


def _refers(table: str, column: str, other: str) -> Any:
    key = {"lots": "lot_id", "orders": "order_id", "accounts": "account_id"}[other]
    return sa.ForeignKeyConstraint([column], [f"trading.{other}.{key}"], name=op.f(f"fk_{table}_{column}_{other}"))
