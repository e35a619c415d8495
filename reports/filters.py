"""What a report may be asked for, judged before the database is: a complaint names field, value and what there is."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from psycopg import sql

from domain.errors import InvalidRequest
from domain.orders import FieldProblem
from domain.timing import safe
from reports.catalog import Report
from reports.columns import Column, Kind

_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Filters:
    """What to leave out: an account's name, days in UTC (both ends included), the report's own, and rows at most."""

    account: str | None = None
    first_day: dt.date | None = None
    last_day: dt.date | None = None
    limit: int | None = None
    own: Mapping[str, str] = field(default_factory=dict)

    def shown(self) -> dict[str, str | int]:
        """Return what was asked for, in the words it is asked with."""
        days = {"from": self.first_day, "to": self.last_day}
        given = {"account": self.account} | {name: day and day.isoformat() for name, day in days.items()}
        return {name: value for name, value in (given | dict(self.own) | {"limit": self.limit}).items() if value}


def own_filters(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the report's own filters by name. Raises InvalidRequest for one that is given twice."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise _refused(name, value, f"once; it was {safe(found[name])} already")
        found[name] = value
    return found


def filter_columns(report: Report, columns: Sequence[Column]) -> dict[str, Column]:
    """Return the filters that a report has, with the column that each means; `from` and `to` mean the same."""
    known = {column.name: column for column in columns}
    by_all = {"account": report.account_column, "from": report.day_column, "to": report.day_column}
    wanted: dict[str, str | None] = {**by_all, **report.filters}
    return {name: known[column] for name, column in wanted.items() if column is not None and column in known}


def conditions(report: Report, columns: Sequence[Column], filters: Filters) -> list[sql.Composable]:
    """Return what a row must fulfil. Raises InvalidRequest for a filter that the report does not have, or its value."""
    allowed = filter_columns(report, columns)
    if filters.first_day and filters.last_day and filters.first_day > filters.last_day:
        raise _refused("from", filters.first_day.isoformat(), f"a day not after to ({filters.last_day})")
    asked: list[tuple[str, str, str]] = [(name, "=", value) for name, value in filters.own.items()]
    asked += [("account", "=", filters.account)] if filters.account is not None else []
    asked += _days(filters)
    for name, _, value in asked:
        if name not in allowed:
            raise _refused(name, value, f"no such filter here; {report.name} has {', '.join(allowed)}")
    return [_condition(name, allowed[name], relation, value) for name, relation, value in asked]


def _days(filters: Filters) -> Iterator[tuple[str, str, str]]:
    """Yield what the days demand: of a single one equality, which reaches the partitions of every table of a view."""
    first, last = filters.first_day, filters.last_day
    if first is not None and first == last:
        yield "from", "=", first.isoformat()
        return
    if first is not None:
        yield "from", ">=", first.isoformat()
    if last is not None:
        yield "to", "<=", last.isoformat()


def _condition(name: str, column: Column, relation: str, text: str) -> sql.Composable:
    value: Any = None if len(text) > _LONGEST else _parsed(column, text)
    if value is None:
        raise _refused(name, text, column.filter_expected)
    return sql.SQL("{} {} {}").format(column.value, sql.SQL(relation), sql.Literal(value))


def _parsed(column: Column, text: str) -> Any:
    read = _uuid if column.type == "uuid" else _READERS.get(column.kind, _text)
    try:
        return read(text)
    except (ValueError, InvalidOperation):
        return None


def _text(text: str) -> str | None:
    return None if "\0" in text else text


def _decimal(text: str) -> Decimal | None:
    value = Decimal(text)
    return value if value.is_finite() else None


def _time(text: str) -> dt.datetime | None:
    value = dt.datetime.fromisoformat(text)
    return value if value.tzinfo is not None else None


def _uuid(text: str) -> uuid.UUID:
    return uuid.UUID(text)


_READERS: dict[Kind, Callable[[str], Any]] = {
    Kind.WHOLE: int,
    Kind.DECIMAL: _decimal,
    Kind.BINARY: _decimal,
    Kind.TRUTH: {"true": True, "false": False}.get,
    Kind.TIME: _time,
    Kind.DAY: dt.date.fromisoformat,
}


def _refused(name: str, value: str, expected: str) -> InvalidRequest:
    shown = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}..."
    return InvalidRequest(f"not as expected: {safe(name)}", [FieldProblem(safe(name), safe(shown), expected)])
