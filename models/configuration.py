"""The configuration last in force, so that whichever process reads the file first records what changed (CFG-001)."""

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import TRADING, Base


class Configuration(Base):
    """One row: every value by its dotted name; a secret stands there as a keyed hash that tells when it changes."""

    __tablename__ = "configuration"
    __table_args__ = (CheckConstraint("one_row", name="only_one"), {"schema": TRADING})

    one_row: Mapped[bool] = mapped_column(primary_key=True)
    digest: Mapped[str]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    source: Mapped[str]
    applied_at: Mapped[dt.datetime]
