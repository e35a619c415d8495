"""Keep what is held, when an account was last compared with its broker, and who adopted an order (R11, R19)."""

import uuid
from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql"

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)
SHARES = sa.Numeric(20, 9)


def upgrade() -> None:
    op.add_column("accounts", sa.Column("reconciled_from", WHEN, nullable=True), schema="trading")
    op.add_column("orders", sa.Column("adopted_by", sa.Text(), nullable=True), schema="trading")
    quarantined = sa.text("status = 'quarantined'")
    op.create_index("ix_orders_quarantined", "orders", ["account_id"], schema="trading", postgresql_where=quarantined)
    _corrections()
    op.create_table(
        "position_differences",
        _account(),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("ledger_qty", SHARES, nullable=False),
        sa.Column("broker_qty", SHARES, nullable=False),
        sa.Column("seen_at", WHEN, nullable=False),
        _refers("position_differences"),
        sa.PrimaryKeyConstraint("account_id", "symbol", name=op.f("pk_position_differences")),
        schema="trading",
    )
    op.execute("GRANT SELECT, INSERT ON trading.position_corrections TO opitios_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON trading.position_differences TO opitios_app")
    op.execute(sa.text((SQL / "0009_positions.sql").read_text()))


def downgrade() -> None:
    message = "the audit trail is never taken back; restore a backup instead"
    raise NotImplementedError(message)


def _corrections() -> None:
    op.create_table(
        "position_corrections",
        sa.Column("correction_id", sa.Uuid(), nullable=False),
        _account(),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("qty", SHARES, nullable=False),
        sa.Column("old_qty", SHARES, nullable=False),
        sa.Column("new_qty", SHARES, nullable=False),
        sa.Column("price", sa.Numeric(20, 8), nullable=True),
        sa.Column("occurred_at", WHEN, nullable=False),
        sa.Column("recorded_at", WHEN, server_default=sa.text("clock_timestamp()"), nullable=False),
        _refers("position_corrections"),
        sa.PrimaryKeyConstraint("correction_id", name=op.f("pk_position_corrections")),
        schema="trading",
    )
    op.create_index(
        "ix_position_corrections_account_id_symbol", "position_corrections", ["account_id", "symbol"], schema="trading"
    )


def _account() -> sa.Column[uuid.UUID]:
    return sa.Column("account_id", sa.Uuid(), nullable=False)


def _refers(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_account_id_accounts")
    return sa.ForeignKeyConstraint(["account_id"], ["trading.accounts.account_id"], name=name)
