"""Attempts to sign in, counted where every process sees them and a restart forgets nothing (US-SYSTEM-016)."""

import datetime as dt

from sqlalchemy.orm import Mapped, mapped_column

from models.base import TRADING, Base


class LoginAttempts(Base):
    """Wrong passwords of late for the names that share a bucket; forgotten at `forget_at`.

    A bucket is part of a hash of the name: names nobody has are counted too, and may neither fill the table nor be
    told from real ones.
    """

    __tablename__ = "login_attempts"
    __table_args__ = {"schema": TRADING}

    bucket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    attempts: Mapped[int]
    forget_at: Mapped[dt.datetime]
