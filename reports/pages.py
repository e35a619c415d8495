"""Pages of a report: each begins behind the last row of the one before, wherever that is by now.

A cursor is the place of a row in the report's order, with a code that only this installation can make: one that was
changed, or belongs to another report or other filters, is refused.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from domain.errors import InvalidRequest, ReportsUnavailable
from domain.orders import FieldProblem
from domain.timing import safe
from reports.query import Key, Result

_CODE = 16
_SHOWN = 100
Place = Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as JSON objects, and where the next page begins; None when there is none."""

    items: list[str]
    next_cursor: str | None


def read_page(result: Result, *, cursor: str | None, limit: int, secret: bytes) -> Page:
    """Return at most `limit` rows behind the cursor. Raises InvalidRequest for a cursor that is not ours.

    A page is shorter where the order does not tell its last rows from the next.
    """
    behind = [] if cursor is None else [_behind(result.order, _opened(cursor, result, secret))]
    place = sql.SQL("ARRAY[{}]").format(
        sql.SQL(", ").join(sql.SQL("{}::text").format(key.column.value) for key in result.order)
    )
    what = sql.SQL("{}, {}").format(result.json_object, place)
    statement = sql.SQL("{} LIMIT {}").format(result.select(what, also=behind), sql.Literal(limit + 1))
    rows = result.connection.execute(statement).fetchall()
    if len(rows) <= limit:
        return Page([item for item, _ in rows], None)
    whole = [row for row in rows if row[1] != rows[limit][1]]  # rows that share a place never stand on two pages
    if not whole:
        raise ReportsUnavailable(f"more than {limit} rows share one place in the order: ask for more a page")
    return Page([item for item, _ in whole], _sealed(whole[-1][1], result, secret))


def _behind(keys: Sequence[Key], place: Place) -> sql.Composable:
    """Return the condition of the rows behind a place, in Postgres' order: nulls are the greatest values.

    The bound on the first key says nothing new, but an index can use it.
    """
    ways: list[sql.Composable] = []
    same: list[sql.Composable] = []
    for key, text in zip(keys, place, strict=True):
        further = _further(key, text)
        if further is not None:
            ways.append(sql.SQL("({})").format(sql.SQL(" AND ").join([*same, further])))
        same.append(sql.SQL("{} IS NOT DISTINCT FROM {}").format(key.column.value, _literal(key, text)))
    any_way = sql.SQL("({})").format(sql.SQL(" OR ").join(ways)) if ways else sql.SQL("false")
    first = keys[0]
    if first.descending and place[0] is not None:
        return sql.SQL("{} <= {} AND {}").format(first.column.value, _literal(first, place[0]), any_way)
    return any_way


def _further(key: Key, text: str | None) -> sql.Composable | None:
    column = key.column.value
    if key.descending:
        less = sql.SQL("{} IS NOT NULL") if text is None else sql.SQL("{} < {}")
        return less.format(column) if text is None else less.format(column, _literal(key, text))
    if text is None:
        return None
    return sql.SQL("({0} > {1} OR {0} IS NULL)").format(column, _literal(key, text))


def _literal(key: Key, text: str | None) -> sql.Composable:
    return sql.SQL("{}::{}").format(sql.Literal(text), sql.SQL(key.column.type))


def _sealed(place: Place, result: Result, secret: bytes) -> str:
    content = json.dumps(place).encode()
    return base64.urlsafe_b64encode(_code(content, result, secret) + content).decode()


def _opened(cursor: str, result: Result, secret: bytes) -> Place:
    try:
        sealed = base64.b64decode(cursor, altchars=b"-_", validate=True)
    except ValueError:
        sealed = b""
    code, content = sealed[:_CODE], sealed[_CODE:]
    if not hmac.compare_digest(code, _code(content, result, secret)):
        expected = "the next_cursor of a page of this report with these filters, unchanged"
        problem = FieldProblem("cursor", safe(cursor[:_SHOWN]), expected)
        raise InvalidRequest("not as expected: cursor", [problem])
    place: Place = json.loads(content)
    return place


def _code(content: bytes, result: Result, secret: bytes) -> bytes:
    about = json.dumps([result.report.name, result.report.order_by, result.filters.shown()], sort_keys=True)
    key = hmac.digest(secret, b"opitios report cursor", hashlib.sha256)
    return hmac.digest(key, about.encode() + b"\0" + content, hashlib.sha256)[:_CODE]
