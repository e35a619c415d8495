"""What officers ask, through the views and as their role: one account's day, a month's percentiles, a day's cancels.

A single day is asked for as the reports do, by equality.
"""

import datetime as dt
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import LiteralString

from bench.record.fill import ACCOUNTS, months_before
from bench.record.server import Connection, Server


@dataclass(frozen=True, slots=True)
class Question:
    """A query with its goal in ms, if it has one; it takes an account and the days `first` to `last`, both included."""

    what: str
    sql: LiteralString
    goal_ms: float | None = None
    of_a_month: bool = False


QUESTIONS = (
    Question(
        "one account's day: every attempt",
        "SELECT * FROM reports.order_timing WHERE account = %(account)s AND order_date = %(first)s "
        "ORDER BY occurred_at DESC",
        goal_ms=3,
    ),
    Question(
        "one account's day: every order",
        "SELECT * FROM reports.blotter WHERE account = %(account)s AND order_date = %(first)s "
        "ORDER BY requested_at DESC, order_id",
        goal_ms=3,
    ),
    Question(
        "a day's cancels, counted by reason",
        "SELECT reason, count(*) FROM reports.cancellations WHERE order_date = %(first)s GROUP BY reason",
        goal_ms=3,
    ),
    Question(
        "one account's day: each cancel with its reason",
        "SELECT * FROM reports.cancellations WHERE account = %(account)s AND order_date = %(first)s "
        "ORDER BY canceled_at DESC, order_id",
        goal_ms=3,
    ),
    Question(
        "a day's cancels of all accounts for one reason",
        "SELECT * FROM reports.cancellations WHERE reason = 'timeout' AND order_date = %(first)s "
        "ORDER BY canceled_at DESC, order_id",
    ),
    Question(
        "a month's p50, p95, p99 by account type",
        "SELECT account_type, count(*), percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY total_ms) "
        "FROM reports.order_timing WHERE order_date >= %(first)s AND order_date <= %(last)s GROUP BY account_type",
        goal_ms=120,
        of_a_month=True,
    ),
)


@dataclass
class Asked:
    """One question asked for so many accounts and days: ms of each answer, its rows fetched, and how many they were.

    Each is asked twice: `first_ms` had to find its pages, `ms` found them in memory.
    """

    question: Question
    ms: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    first_ms: list[float] = field(default_factory=list)


def ask(server: Server, times: int, now: dt.datetime) -> list[Asked]:
    """Ask every question so often, each time for another account and day of the months before this one."""
    asked = [Asked(question) for question in QUESTIONS]
    with server.officer() as officer:
        for given in asked:
            for parameters in _parameters(given.question, times, now):
                given.first_ms.append(_answer(officer, given.question, parameters)[1])
                rows, ms = _answer(officer, given.question, parameters)
                given.rows.append(len(rows))
                given.ms.append(ms)
    return asked


def _answer(officer: Connection, question: Question, parameters: dict[str, object]) -> tuple[Sequence[object], float]:
    started = time.monotonic()
    # unprepared, as a report's only statement is: the plan is part of the time
    rows = officer.execute(question.sql, parameters, prepare=False).fetchall()
    return rows, (time.monotonic() - started) * 1000


def _parameters(question: Question, times: int, now: dt.datetime) -> Iterator[dict[str, object]]:
    months = months_before(now, 12)
    for turn in range(times):
        place = turn % (len(months) - 1)
        began, ended = months[place].date(), months[place + 1].date() - dt.timedelta(days=1)
        day = began + dt.timedelta(days=turn * 7 % ended.day)
        first, last = (began, ended) if question.of_a_month else (day, day)
        yield {"account": f"record-{1 + turn * 13 % ACCOUNTS}", "first": first, "last": last}
