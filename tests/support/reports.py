"""A report whose every value a test knows: all kinds of columns, nulls where rows are ordered, texts that bite."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from reports.catalog import Report

Owner = psycopg.Connection[Any]
"""The migrations' login, in autocommit."""

ROWS = 250
NASTY = [
    "=1+1",
    '=cmd|"/c calc"!A1', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1",
    "\uff1d1", "\uff0b1", "\uff0d1", "\uff201",
    "plain", "", 'say "no", now', "two\nlines", "x\r=1", " =1", "'=1", "ключ", "100 % sure", "\\.", "a,b",
]  # fmt: skip
HARMLESS = frozenset(NASTY[12:])
SAMPLE = Report(
    name="sample",
    view="reports.sample",
    what="rows that a test has made",
    shown=("n", "account", "amount"),
    order_by="rank DESC, at, n",
    day_column="day",
    filters={"note": "note", "good": "good", "id": "id", "amount": "amount", "since": "at", "n": "n", "share": "share"},
)

_TABLE = """
CREATE TABLE public.sample AS
SELECT n, 'acc-' || n % 2 AS account, date '2026-03-01' + n % 5 AS day,
       timestamptz '2026-03-01 12:00:00.123456+00' + n / 10 * interval '1 second' AS at,
       (n / 8.0)::numeric(20,8) AS amount, n / 3.0 AS ratio, n / 4.0::double precision AS share, n % 2 = 0 AS good,
       (%s::text[])[1 + n %% cardinality(%s::text[])] AS note, jsonb_build_object('n', n) AS extra,
       ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid AS id, nullif(n %% 3, 0) AS rank,
       9007199254740993 + n AS big
  FROM generate_series(1, %s) n
""".replace(" % 2", " %% 2").replace(" % 5", " %% 5")


@contextmanager
def sample(connection: Owner, rows: int = ROWS) -> Iterator[Report]:
    """Make the view for the block; the view is gone afterwards."""
    client = psycopg.ClientCursor(connection)
    client.execute(_TABLE, (NASTY, NASTY, rows))
    connection.execute("CREATE VIEW reports.sample AS SELECT * FROM public.sample")
    connection.execute("COMMENT ON COLUMN reports.sample.amount IS 'What it costs, in USD.'")
    connection.execute("GRANT SELECT ON reports.sample TO compliance_ro")
    try:
        yield SAMPLE
    finally:
        connection.execute("DROP VIEW reports.sample")
        connection.execute("DROP TABLE public.sample")
