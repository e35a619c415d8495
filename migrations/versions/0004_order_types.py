"""Let orders have every type, be cancelled and be replaced (R13, R27); reports say what was asked for."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql"

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TYPES = "'market', 'limit', 'stop', 'stop_limit', 'trailing_stop'"
TIMES = "'day', 'gtc', 'ioc', 'fok'"
INTENTS = "'buy_to_open', 'buy_to_close', 'sell_to_open', 'sell_to_close'"
MONEY = sa.Numeric(precision=20, scale=8)
SHARES = sa.Numeric(precision=20, scale=9)


def upgrade() -> None:
    for view in ("order_timing", "orders_by_account_type"):  # a view keeps its columns from changing their type
        op.execute(f"DROP VIEW IF EXISTS reports.{view}")
    _columns()
    _checks()
    _indexes()
    op.execute(sa.text((SQL / "0004_reports.sql").read_text()))


def downgrade() -> None:
    message = "the audit trail is never taken back; restore a backup instead"
    raise NotImplementedError(message)


def _columns() -> None:
    for added in (
        sa.Column("notional", MONEY, nullable=True),
        sa.Column("stop_price", MONEY, nullable=True),
        sa.Column("trail_price", MONEY, nullable=True),
        sa.Column("trail_percent", MONEY, nullable=True),
        sa.Column("extended_hours", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("position_intent", sa.Text(), nullable=True),
        sa.Column("most_shares", SHARES, nullable=True),
        sa.Column("replaces", sa.Uuid(), nullable=True),
        sa.Column("replaced_filled", SHARES, nullable=True),
        sa.Column("cancel_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("cancel_attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    ):
        op.add_column("orders", added, schema="trading")
    # Alpaca fills shares to nine decimals; a ninth that is rounded away would leave an order unsettled for ever
    for table, column in (("orders", "qty"), ("orders", "filled_qty"), ("fills", "qty"), ("fills", "cum_qty")):
        op.alter_column(table, column, existing_type=MONEY, type_=SHARES, schema="trading")
    op.alter_column("orders", "qty", existing_type=SHARES, nullable=True, schema="trading")


def _checks() -> None:
    for column, values in (("order_type", TYPES), ("time_in_force", TIMES)):
        op.drop_constraint(op.f(f"ck_orders_{column}_known"), "orders", schema="trading")
        _check(f"{column}_known", f"{column} IN ({values})")
    _check("position_intent_known", f"position_intent IN ({INTENTS})")
    _check("qty_or_notional", "(qty IS NULL) <> (notional IS NULL)")
    name = op.f("fk_orders_replaces")
    op.create_foreign_key(
        name, "orders", "orders", ["replaces"], ["order_id"], source_schema="trading", referent_schema="trading"
    )


def _check(name: str, condition: str) -> None:
    op.create_check_constraint(op.f(f"ck_orders_{name}"), "orders", condition, schema="trading")


def _indexes() -> None:
    for column in ("cancel_due_at", "replaces"):
        where = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_orders_{column}", "orders", [column], schema="trading", postgresql_where=where)
