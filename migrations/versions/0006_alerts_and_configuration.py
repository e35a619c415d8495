"""Keep alerts until their cause is gone, and the configuration last in force (MON-001, CFG-001)."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)
JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    _notifications()
    op.create_table(
        "configuration",
        sa.Column("one_row", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("applied_at", WHEN, nullable=False),
        sa.CheckConstraint("one_row", name=op.f("ck_configuration_only_one")),
        sa.PrimaryKeyConstraint("one_row", name=op.f("pk_configuration")),
        schema="trading",
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON trading.notifications, trading.configuration TO opitios_app")


def downgrade() -> None:
    message = "the audit trail is never taken back; restore a backup instead"
    raise NotImplementedError(message)


def _notifications() -> None:
    op.create_table(
        "notifications",
        sa.Column("notification_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("detail", JSON, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("occurred_at", WHEN, nullable=False),
        sa.Column("last_at", WHEN, nullable=False),
        sa.Column("times", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("resolved_at", WHEN, nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.CheckConstraint("severity IN ('warning', 'critical')", name=op.f("ck_notifications_severity_known")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["trading.accounts.account_id"], name=op.f("fk_notifications_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("notification_id", name=op.f("pk_notifications")),
        schema="trading",
    )
    op.create_index(
        "uq_notifications_open",
        "notifications",
        ["kind", "subject"],
        unique=True,
        schema="trading",
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_index("ix_notifications_occurred_at", "notifications", ["occurred_at"], schema="trading")
