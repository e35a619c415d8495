"""Tell what an open order may cost from what its fills did cost (R17, R18), and let sells reserve quantity (R19)."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OPEN_SELLS = "side = 'sell' AND status IN ('submitting', 'unknown', 'accepted', 'partially_filled', 'quarantined')"


def upgrade() -> None:
    for column in (
        sa.Column("spent", sa.Numeric(precision=20, scale=8), server_default=sa.text("0"), nullable=False),
        sa.Column("spent_seq", sa.BigInteger(), nullable=True),
    ):
        op.add_column("orders", column, schema="trading")
    # what an ended order still had reserved was spent by its fills
    op.execute(
        "UPDATE trading.orders SET spent = reserved, spent_seq = ended_seq, reserved = 0 "
        "WHERE reserved > 0 AND status IN ('filled', 'canceled', 'expired', 'replaced', 'rejected')"
    )
    op.drop_column("orders", "ended_seq", schema="trading")
    op.drop_index("ix_orders_reserved", "orders", schema="trading")
    op.create_index(
        "ix_orders_reserved",
        "orders",
        ["account_id"],
        schema="trading",
        postgresql_where=sa.text("reserved > 0 OR spent > 0"),
    )
    op.create_index(
        "ix_orders_open_sells",
        "orders",
        ["account_id", "symbol"],
        schema="trading",
        postgresql_where=sa.text(OPEN_SELLS),
    )


def downgrade() -> None:
    message = "the audit trail is never taken back; restore a backup instead"
    raise NotImplementedError(message)
