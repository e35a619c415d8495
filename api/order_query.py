"""What `GET /api/v1/orders` may be asked: filters by name, and a cursor that says where the last page ended."""

import base64
import datetime as dt
import re
import uuid
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from api.schemas import Name, Symbol
from domain.account_type import AccountType
from domain.errors import InvalidRequest
from domain.order_state import TERMINAL, OrderStatus
from domain.orders import FieldProblem, Side
from domain.timing import safe
from models.unit import Row
from services.order_list import OPEN, OrderFilter, Position

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


def _rfc_3339(value: Any) -> Any:
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        return value
    message = "a time as RFC 3339 says, with its offset: 2026-11-21T14:30:00Z (a + is %2B in a URL)"
    raise ValueError(message)


_STATUSES = {status.value: frozenset({status}) for status in OrderStatus} | {"open": OPEN, "closed": TERMINAL}


def _known_status(value: str) -> str:
    if value in _STATUSES:
        return value
    raise ValueError(f"one of {', '.join(_STATUSES)}")


StatusWord = Annotated[str, AfterValidator(_known_status), Field(json_schema_extra={"enum": list(_STATUSES)})]
Instant = Annotated[AwareDatetime, BeforeValidator(_rfc_3339)]
Source = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[a-z0-9_.-]+$")]


class OrderQuery(BaseModel):
    """Filters of the list; `from` is part of the time asked for, `to` no longer."""

    model_config = ConfigDict(extra="forbid")
    account: Name | None = None
    status: Annotated[list[StatusWord], Field(max_length=20)] = []
    symbol: Symbol | None = None
    side: Side | None = None
    source: Source | None = None
    account_type: AccountType | None = None
    since: Annotated[Instant | None, Field(alias="from")] = None
    until: Annotated[Instant | None, Field(alias="to")] = None
    cursor: Annotated[str | None, Field(max_length=200)] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50

    def wanted(self, account_id: uuid.UUID | None) -> OrderFilter:
        """Return the filter that the database understands."""
        return OrderFilter(
            account_id=account_id,
            statuses=frozenset().union(*map(_STATUSES.__getitem__, self.status)) if self.status else None,
            symbol=self.symbol,
            side=self.side,
            source=self.source,
            account_type=self.account_type,
            since=self.since,
            until=self.until,
        )

    def after(self) -> Position | None:
        """Return where the last page ended, None for the first. Raises InvalidRequest for a cursor that is not ours."""
        if self.cursor is None:
            return None
        try:
            when, _, order_id = (
                base64.b64decode(self.cursor, altchars=b"-_", validate=True).decode("ascii").partition(" ")
            )
            return Position(dt.datetime.fromisoformat(_rfc_3339(when)), uuid.UUID(order_id))
        except ValueError:
            problem = FieldProblem("cursor", safe(self.cursor), "the next_cursor of an earlier page, unchanged")
            raise InvalidRequest("not as expected: cursor", [problem]) from None


def cursor_at(order: Row) -> str:
    """Return the cursor of a page that ends with this order."""
    text = f"{order.requested_at.astimezone(dt.UTC).isoformat()} {order.order_id}"
    return base64.urlsafe_b64encode(text.encode()).decode()
