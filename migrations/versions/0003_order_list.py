"""Serve lists of orders from two indexes, and count attempts to sign in."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OPEN = "status NOT IN ('filled', 'canceled', 'expired', 'replaced', 'rejected')"


def upgrade() -> None:
    op.create_index("ix_orders_requested_at_order_id", "orders", ["requested_at", "order_id"], schema="trading")
    op.create_index(
        "ix_orders_open",
        "orders",
        ["requested_at", "order_id"],
        schema="trading",
        postgresql_where=sa.text(OPEN),
    )
    op.create_table(
        "login_attempts",
        sa.Column("bucket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_login_attempts")),
        schema="trading",
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON trading.login_attempts TO opitios_app")


def downgrade() -> None:
    message = "the audit trail is never taken back; restore a backup instead"
    raise NotImplementedError(message)
