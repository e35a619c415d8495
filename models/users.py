"""People who may sign in."""

import datetime as dt
import uuid
from enum import StrEnum

from sqlalchemy import UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import TRADING, Base, one_of


class Role(StrEnum):
    """What a user may do; `compliance` reads only."""

    TRADER = "trader"
    OPERATOR = "operator"
    COMPLIANCE = "compliance"
    ADMIN = "admin"


class User(Base):
    """A person. Raising `session_version` ends every session of theirs within seconds."""

    __tablename__ = "users"
    __table_args__ = (one_of("role", Role), UniqueConstraint("username"), {"schema": TRADING})

    user_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    username: Mapped[str]
    password_hash: Mapped[str]
    role: Mapped[str]
    session_version: Mapped[int] = mapped_column(server_default=text("1"))
    disabled: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
