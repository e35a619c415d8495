"""What was written from a spool: a line that is read again after a crash is not written again (UC-SYSTEM-002)."""

import datetime as dt
import uuid

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import TRADING, Base


class Spooled(Base):
    """One line of a spool that is in the database; forgotten after a month, when no file holds it any more."""

    __tablename__ = "spooled"
    __table_args__ = {"schema": TRADING}

    spool_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    written_at: Mapped[dt.datetime] = mapped_column(server_default=text("clock_timestamp()"))
