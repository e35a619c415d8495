"""Remember which lines of a process's spool are written already: each is taken once (UC-SYSTEM-002)."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spooled",
        sa.Column("spool_id", sa.Uuid(), nullable=False),
        sa.Column(
            "written_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("spool_id", name=op.f("pk_spooled")),
        schema="trading",
    )
    op.execute("GRANT SELECT, INSERT, DELETE ON trading.spooled TO opitios_app")


def downgrade() -> None:
    message = "the audit trail is never taken back; restore a backup instead"
    raise NotImplementedError(message)
