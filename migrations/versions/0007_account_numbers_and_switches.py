"""Keep the account number that was confirmed, an admin's switch, and when an alert was last told (ACC-001, MON-001)."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql"

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    for added in (
        sa.Column("confirmed_number", sa.Text(), nullable=True),
        sa.Column("number_changed_at", WHEN, nullable=True),
        sa.Column("type_mismatch", sa.Text(), nullable=True),
        sa.Column("disabled_by", sa.Text(), nullable=True),
        sa.Column("disabled_at", WHEN, nullable=True),
    ):
        op.add_column("accounts", added, schema="trading")
    # what was read until now is what everybody has worked with, and a contradiction was the only block there was
    op.execute("UPDATE trading.accounts SET confirmed_number = account_number, type_mismatch = entries_blocked")
    told = sa.Column("told_at", WHEN, server_default=sa.text("clock_timestamp()"), nullable=False)
    op.add_column("notifications", told, schema="trading")
    op.create_index("ix_notifications_kind_subject", "notifications", ["kind", "subject"], schema="trading")
    op.execute(sa.text((SQL / "0007_reports.sql").read_text()))


def downgrade() -> None:
    message = "the audit trail is never taken back; restore a backup instead"
    raise NotImplementedError(message)
