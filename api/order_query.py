"""What `GET /api/v1/orders` may be asked: filters by name, and a cursor that says where the last page ended."""

import uuid
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from api.cursors import read_cursor, rfc_3339, write_cursor
from api.schemas import Name, Symbol
from domain.account_type import AccountType
from domain.order_state import TERMINAL, OrderStatus
from domain.orders import Side
from models.unit import Row
from services.order_list import OPEN, OrderFilter, Position

_STATUSES = {status.value: frozenset({status}) for status in OrderStatus} | {"open": OPEN, "closed": TERMINAL}


def _known_status(value: str) -> str:
    if value in _STATUSES:
        return value
    raise ValueError(f"one of {', '.join(_STATUSES)}")


StatusWord = Annotated[str, AfterValidator(_known_status), Field(json_schema_extra={"enum": list(_STATUSES)})]
Instant = Annotated[AwareDatetime, BeforeValidator(rfc_3339)]
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
        return None if self.cursor is None else Position(*read_cursor(self.cursor))


def cursor_at(order: Row) -> str:
    """Return the cursor of a page that ends with this order."""
    return write_cursor(order.requested_at, order.order_id)
