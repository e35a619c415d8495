"""Keep every event of the brokers' streams, and how each account's stream is doing (R15, R31)."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "broker_inbox",
        sa.Column("inbox_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("event_key", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("broker_order_id", sa.Text(), nullable=True),
        sa.Column("broker_client_id", sa.Text(), nullable=True),
        sa.Column("cum_qty", sa.Numeric(20, 9), nullable=True),
        sa.Column("raw", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("received_at", WHEN, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("applied_at", WHEN, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["trading.accounts.account_id"], name=op.f("fk_broker_inbox_account_id")
        ),
        sa.PrimaryKeyConstraint("inbox_id", name=op.f("pk_broker_inbox")),
        sa.UniqueConstraint("account_id", "event_key", name=op.f("uq_broker_inbox_account_id_event_key")),
        schema="trading",
    )
    op.create_index(
        "ix_broker_inbox_account_id_broker_order_id",
        "broker_inbox",
        ["account_id", "broker_order_id"],
        schema="trading",
    )
    still_open = sa.text("applied_at IS NULL")
    op.create_index(
        "ix_broker_inbox_open", "broker_inbox", ["account_id"], schema="trading", postgresql_where=still_open
    )
    op.create_table(
        "streams",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("connected_since", WHEN, nullable=True),
        sa.Column("last_frame_at", WHEN, nullable=True),
        sa.Column("last_heard_at", WHEN, nullable=True),
        sa.Column("reconnects", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("healthy_until", WHEN, nullable=True),
        sa.Column("untold_at", WHEN, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["trading.accounts.account_id"], name=op.f("fk_streams_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_streams")),
        schema="trading",
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON trading.broker_inbox, trading.streams TO opitios_app")


def downgrade() -> None:
    message = "the audit trail is never taken back; restore a backup instead"
    raise NotImplementedError(message)
