"""Runs a report as `compliance_ro`, which can read nothing but the views, and streams its rows."""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from reports.catalog import Report

_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Filters:
    """What to leave out: an account's name, days in UTC (both ends included), and how many rows at most."""

    account: str | None = None
    first_day: dt.date | None = None
    last_day: dt.date | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """Column names, and the rows as they come."""

    columns: Sequence[str]
    rows: Iterator[Sequence[Any]]


@contextmanager
def run_report(database_url: str, report: Report, filters: Filters) -> Iterator[Result]:
    """Open a read-only connection and yield the report's rows from a server-side cursor."""
    url = database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    with psycopg.connect(url, connect_timeout=5, application_name="opitios-report") as connection:
        connection.read_only = True
        with connection.cursor(name="report") as cursor:
            cursor.itersize = _BATCH
            cursor.execute(*_statement(report, filters))
            columns = [column.name for column in cursor.description or ()]
            yield Result(columns, iter(cursor))


def _statement(report: Report, filters: Filters) -> tuple[sql.Composed, dict[str, Any]]:
    conditions: list[sql.Composable] = [sql.SQL("true")]
    if filters.account is not None:
        if report.account_column is None:
            raise ValueError(
                f"account: {report.name} is about no account, and cannot be filtered by {filters.account!r}"
            )
        conditions.append(sql.SQL("{} = %(account)s").format(sql.Identifier(report.account_column)))
    if filters.first_day is not None:
        conditions.append(sql.SQL("{} >= %(first_day)s").format(sql.Identifier(report.day_column)))
    if filters.last_day is not None:
        conditions.append(sql.SQL("{} <= %(last_day)s").format(sql.Identifier(report.day_column)))
    statement = sql.SQL("SELECT * FROM {view} WHERE {where} ORDER BY {order} LIMIT %(limit)s").format(
        view=sql.Identifier(*report.view.split(".")),
        where=sql.SQL(" AND ").join(conditions),
        order=sql.SQL(report.order_by),
    )
    params = {"account": filters.account, "first_day": filters.first_day, "last_day": filters.last_day}
    return statement, params | {"limit": filters.limit}
