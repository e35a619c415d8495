"""Tell round trips from the fills: entry, exit, P&L and why each was closed (US-SYSTEM-007)."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql"

revision = "0015"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.text((SQL / "0015_trades.sql").read_text()))


def downgrade() -> None:
    op.execute("DROP VIEW reports.trades")
