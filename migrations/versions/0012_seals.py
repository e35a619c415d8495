"""Seal the audit trail: a role that does nothing else, its table, and what the trail did not hold yet (R29)."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

SQL = Path(__file__).parent.parent / "sql"

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)
MILLIS = sa.Numeric(12, 3)
STAMPS = (
    sa.Column("recorded_at", WHEN, server_default=sa.text("clock_timestamp()"), nullable=False),
    sa.Column("xid", sa.BigInteger(), server_default=sa.text("(pg_current_xact_id()::text)::bigint"), nullable=False),
)


def upgrade() -> None:
    op.create_table(
        "seals",
        sa.Column("seal_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("format", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("epoch_began_at", WHEN, nullable=False),
        sa.Column("from_xid", sa.BigInteger(), nullable=False),
        sa.Column("to_xid", sa.BigInteger(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("parts", postgresql.JSONB(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("sealed_at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("seal_no", name=op.f("pk_seals")),
        sa.UniqueConstraint("previous_hash", name=op.f("uq_seals_previous_hash")),
        sa.UniqueConstraint("epoch", "from_xid", name=op.f("uq_seals_epoch_from_xid")),
        schema="audit",
    )
    op.create_index("ix_seals_sealed_at", "seals", ["sealed_at"], schema="audit")
    op.create_table(
        "clock_checks",
        sa.Column("check_id", sa.Uuid(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("occurred_at", WHEN, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("synchronized", sa.Boolean(), nullable=True),
        sa.Column("offset_ms", MILLIS, nullable=True),
        sa.Column("max_error_ms", MILLIS, nullable=True),
        sa.Column("database_offset_ms", MILLIS, nullable=True),
        sa.Column("detail", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        *STAMPS,
        sa.PrimaryKeyConstraint("check_id", name=op.f("pk_clock_checks")),
        schema="audit",
    )
    op.create_index("ix_clock_checks_occurred_at", "clock_checks", ["occurred_at"], schema="audit")
    op.execute(sa.text((SQL / "0012_seals.sql").read_text()))
    for table in ("order_events", "operations", "config_changes", "account_type_changes", "clock_checks"):
        op.create_index(
            f"ix_{table}_xid",
            table,
            ["xid"],
            schema="audit",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 16, "autosummarize": True},
        )


def downgrade() -> None:
    message = "the audit trail is never taken back; restore a backup instead"
    raise NotImplementedError(message)
