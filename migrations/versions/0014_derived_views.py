"""Leave the views of schema `reports` to the files of `reports/sql`: whoever upgrades makes them anew (TRD-001)."""

from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for view in ("order_timing", "orders_by_account_type", "account_types"):  # of 0001, 0004 and 0007
        op.execute(f"DROP VIEW IF EXISTS reports.{view}")


def downgrade() -> None:
    message = "the audit trail is never taken back; restore a backup instead"
    raise NotImplementedError(message)
