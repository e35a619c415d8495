"""Which rows of the audit trail belong to an account's day, each with the seal and the part that it stands in.

A row is of the day that it *occurred* on, in UTC: what the broker did that day is in the pack of that day, also when it
was heard of later; what became of an older order that day is in it too.
"""

import datetime as dt
import json
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from psycopg import sql

from domain.seals import FORMAT, FORMATS, SealedTable
from reports.seal_rows import Epoch, Trail
from reports.trail import labelled_lines


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose day it is: the account by id and name, the day (UTC), and names and ids of all the others."""

    account_id: uuid.UUID
    account: str
    day: dt.date
    others: Sequence[str] = ()
    _strangers: re.Pattern[str] | None = field(init=False, default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.others:
            spelled = [re.escape(json.dumps(name, ensure_ascii=False)[1:-1]) for name in self.others]
            found = re.compile(rf"(?<![\w-])(?:{'|'.join(spelled)})(?![\w-])")
            object.__setattr__(self, "_strangers", found)  # the dataclass is frozen for everybody else

    def names_another(self, line: bytes) -> bool:
        """Tell whether a row that belongs to no account names one of the others."""
        return self._strangers is not None and self._strangers.search(line.decode()) is not None


@dataclass(frozen=True, slots=True)
class SealedRow:
    """A row's line, and where it is sealed: no seal number where it is not sealed yet."""

    seal_no: int | None
    part: str
    line: bytes


TABLES = ("order_events", "operations", "account_type_changes", "config_changes")
"""What a pack has rows of. Changes of the configuration belong to no account: those that name another are left out."""

_DAY = "t.occurred_at >= {day}::date::timestamptz AND t.occurred_at < ({day}::date + 1)::timestamptz"  # the zone is UTC
_OF = {
    "order_events": "t.account_id = {account_id}",
    "account_type_changes": "t.account_id = {account_id}",
    # a refusal may know the name alone; `op_date` is the day of `occurred_at`
    "operations": "t.op_date = {day}::date AND (t.account_id = {account_id} OR t.account_name = {account})",
    "config_changes": "true",
}

_ROWS = """
SELECT coalesce(seal_no::text, '-') || ':' || part || ' ' || line
  FROM (SELECT s.seal_no, {part} AS part, t.xid, {keys}, row_to_json(t)::text AS line
          FROM (SELECT {columns} FROM {table} t WHERE {of_day} OFFSET 0) t
          LEFT JOIN LATERAL (
            SELECT seal_no, to_xid, format FROM audit.seals
             WHERE epoch = (SELECT e.epoch FROM ({epochs}) e (epoch, began_at)
                             WHERE e.began_at <= t.recorded_at ORDER BY e.epoch DESC LIMIT 1)
               AND from_xid <= t.xid ORDER BY from_xid DESC LIMIT 1
          ) s ON s.to_xid > t.xid
         WHERE coalesce(s.format, {newest}) = {format}) found
 ORDER BY seal_no NULLS LAST, part, xid, {found_keys}
"""


def rows_of_day(trail: Trail, table: str, subject: Subject, epochs: Sequence[Epoch]) -> Iterator[SealedRow]:
    """Yield the table's rows of the day in the order of seals, parts and leaves; those not sealed come last."""
    for number in sorted(FORMATS, key=lambda number: (number == FORMAT, number)):
        sealed = next(known for known in FORMATS[number] if known.name == table)
        for label, line in labelled_lines(trail, _statement(sealed, number, subject, epochs)):
            seal_no, _, part = label.decode().partition(":")
            yield SealedRow(None if seal_no == "-" else int(seal_no), part, line)


def _statement(table: SealedTable, number: int, subject: Subject, epochs: Sequence[Epoch]) -> sql.Composed:
    given = {"account_id": subject.account_id, "account": subject.account, "day": subject.day.isoformat()}
    part: sql.Composable = sql.Literal(table.name)
    if table.dated_by is not None:
        dated = sql.Identifier("t", table.dated_by)
        part = sql.SQL("{} || to_char({}, '/YYYYMM')").format(sql.Literal(table.name), dated)
    known: list[sql.Composable] = [
        sql.SQL("SELECT {}::bigint, {}").format(epoch.number, epoch.began_at) for epoch in epochs
    ]
    return sql.SQL(_ROWS).format(
        part=part,
        keys=_listed("t", table.key),
        found_keys=_listed("found", table.key),
        columns=_listed("t", table.columns),
        table=sql.Identifier("audit", table.name),
        of_day=sql.SQL(f"{_OF[table.name]} AND {_DAY}").format(**given),
        epochs=sql.SQL(" UNION ALL ").join(known or [sql.SQL("SELECT 0::bigint, 'infinity'::timestamptz")]),
        newest=FORMAT,
        format=number,
    )


def _listed(of: str, columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(of, column) for column in columns)
