"""Leases are rows with an owner and an expiry on the database's clock; a stopped holder lets go by itself (R3)."""

import datetime as dt

from sqlalchemy.orm import Mapped, mapped_column

from models.base import TRADING, Base


class Lease(Base):
    """Who does a job that only one process at a time should do."""

    __tablename__ = "leases"
    __table_args__ = {"schema": TRADING}

    name: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    expires_at: Mapped[dt.datetime]
