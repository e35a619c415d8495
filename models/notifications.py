"""What operators must know: one row an alert, open until its cause is gone (ACC-001, MON-001, US-SYSTEM-012)."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.alerts import Severity
from models.base import TRADING, Base, one_of


class Notification(Base):
    """An alert of a `kind` about a `subject` (an account's name, a file); raised again while open it only counts.

    `told_at` is when it last had a line in the log: the same one has at most one in five minutes.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        one_of("severity", Severity),
        Index("uq_notifications_open", "kind", "subject", unique=True, postgresql_where=text("resolved_at IS NULL")),
        Index("ix_notifications_occurred_at", "occurred_at"),
        Index("ix_notifications_kind_subject", "kind", "subject"),
        {"schema": TRADING},
    )

    notification_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    severity: Mapped[str]
    account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(f"{TRADING}.accounts.account_id"))
    message: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    occurred_at: Mapped[dt.datetime]
    last_at: Mapped[dt.datetime]
    times: Mapped[int] = mapped_column(server_default=text("1"))
    told_at: Mapped[dt.datetime] = mapped_column(server_default=text("clock_timestamp()"))
    resolved_at: Mapped[dt.datetime | None]
    actor: Mapped[str]
    host: Mapped[str]
    process: Mapped[str]
