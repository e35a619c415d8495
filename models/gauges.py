"""What every process says of itself every ten seconds, so that health need not ask each of them (US-SYSTEM-020)."""

import datetime as dt
from typing import Any

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import TRADING, Base


class ProcessGauges(Base):
    """The newest gauges of a process (`name:pid`); rows of a process that has ended are forgotten after a day."""

    __tablename__ = "process_gauges"
    __table_args__ = {"schema": TRADING}

    host: Mapped[str] = mapped_column(primary_key=True)
    process: Mapped[str] = mapped_column(primary_key=True)
    pool: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reported_at: Mapped[dt.datetime]
