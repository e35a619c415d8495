"""A report's columns, and how the database itself writes their values: one way for text, one for JSON.

The database writes them because a million rows of forty cells are its daily work and half a minute of Python's.
"""

from dataclasses import dataclass
from enum import Enum

from psycopg import sql

ROWS = "r"
"""What a statement calls the rows of its view."""

_UTC = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
# What begins a formula in a spreadsheet: tab, line feed, carriage return, + - = @ and the wide forms of the last four.
_NEUTRAL = """CASE WHEN ascii({0}) = ANY ('{{9,10,13,43,45,61,64,65291,65293,65309,65312}}'::int[])
 THEN '''' || {0} ELSE {0} END"""


class Kind(Enum):
    """What a column's values are, as far as a file cares; everything else is text."""

    WHOLE = "whole"
    DECIMAL = "decimal"
    BINARY = "binary"  # a floating-point number
    TRUTH = "truth"
    TIME = "time"
    DAY = "day"
    JSON = "json"
    TEXT = "text"


_KINDS = {
    "smallint": Kind.WHOLE,
    "integer": Kind.WHOLE,
    "bigint": Kind.WHOLE,
    "numeric": Kind.DECIMAL,
    "real": Kind.BINARY,
    "double precision": Kind.BINARY,
    "boolean": Kind.TRUTH,
    "timestamp with time zone": Kind.TIME,
    "date": Kind.DAY,
    "json": Kind.JSON,
    "jsonb": Kind.JSON,
}
NUMBERS = frozenset({Kind.WHOLE, Kind.DECIMAL, Kind.BINARY})
_TEXT_FORMS = {Kind.DECIMAL: "trim_scale({})::text", Kind.TIME: _UTC, Kind.TRUTH: "{}::text"}
_JSON_FORMS = {Kind.DECIMAL: "trim_scale({})::text", Kind.TIME: _UTC}
_AS_IT_IS = frozenset({Kind.WHOLE, Kind.BINARY, Kind.DAY})


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a report: its name, its type in Postgres' words, and what its comment says."""

    name: str
    type: str
    comment: str = ""

    @property
    def kind(self) -> Kind:
        """What its values are."""
        return _KINDS.get(self.type.partition("(")[0], Kind.TEXT)

    @property
    def value(self) -> sql.Composable:
        """The value as the driver hands it over."""
        return sql.Identifier(ROWS, self.name)

    @property
    def number(self) -> sql.Composable:
        """The value without the zeros that only its type asks for."""
        return sql.SQL("trim_scale({})").format(self.value) if self.kind is Kind.DECIMAL else self.value

    @property
    def plain(self) -> sql.Composable:
        """The value as text, as it stands in the database: for what no spreadsheet opens."""
        return sql.SQL("{}::text").format(self.value)

    @property
    def text(self) -> sql.Composable:
        """The value as text that no spreadsheet takes for a formula; times in UTC to the microsecond."""
        if self.kind in _AS_IT_IS:
            return self.value
        form = _TEXT_FORMS.get(self.kind)
        return sql.SQL(form).format(self.value) if form else sql.SQL(_NEUTRAL).format(self.plain)

    @property
    def json(self) -> sql.Composable:
        """The value as JSON writes it: decimals are strings, so that no reader rounds them."""
        return sql.SQL(_JSON_FORMS.get(self.kind, "{}")).format(self.value)

    @property
    def filter_expected(self) -> str:
        """What a filter on this column takes, in words."""
        return "an id" if self.type == "uuid" else _EXPECTED.get(self.kind, "a text without a zero byte")


_EXPECTED = {
    Kind.WHOLE: "a whole number",
    Kind.DECIMAL: "a decimal number",
    Kind.BINARY: "a number",
    Kind.TRUTH: "true or false",
    Kind.TIME: "a time with its offset, as 2026-11-21T14:30:00Z",
    Kind.DAY: "a day as 2026-11-21",
}
