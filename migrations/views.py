"""The views of schema `reports` follow from the files of `reports/sql`: no revision makes or keeps one.

They are dropped before the revisions run, so that a revision may change what lies under them, and made again after, in
the transaction of both. Nothing is touched when the files and the newest revision are those that made them: reports go
on being read while a stack starts.
"""

import hashlib
from pathlib import Path

from sqlalchemy import Connection, text

FILES = Path(__file__).parent.parent / "reports" / "sql"

_MADE_OF = "SELECT obj_description(to_regnamespace('reports'), 'pg_namespace')"
# one statement for all: a view may stand on another
_DROP = """
SELECT 'DROP VIEW ' || string_agg(format('%I.%I', schemaname, viewname), ', ') FROM pg_views
 WHERE schemaname = 'reports' AND viewowner = 'opitios_owner'
"""
_GRANT = """
GRANT USAGE ON SCHEMA reports TO compliance_ro, opitios_app;
GRANT SELECT ON ALL TABLES IN SCHEMA reports TO compliance_ro, opitios_app
"""


def view_files() -> list[Path]:
    """Return the files in the order in which they are run: a view may stand on one whose name comes before its own."""
    return sorted(FILES.glob("*.sql"))


def fingerprint(head: str | None) -> str:
    """Return what the views are made of: the files' digest and the newest revision."""
    digest = hashlib.sha256()
    for file in view_files():
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return f"made of {digest.hexdigest()} at revision {head}"


def are_current(connection: Connection, head: str | None) -> bool:
    """Return whether the views are those of the files, and the tables under them those of the newest revision."""
    return bool(connection.scalar(text(_MADE_OF)) == fingerprint(head))


def drop_views(connection: Connection) -> None:
    """Drop every view of ours; what somebody else has built upon one stops it with Postgres's own words."""
    statement = connection.scalar(text(_DROP))
    if statement is not None:
        connection.exec_driver_sql(statement)


def make_views(connection: Connection, head: str | None) -> None:
    """Make every view, have officers and the house read them, and keep what they were made of."""
    drop_views(connection)  # those that the first revisions made
    raw = connection.execution_options(no_parameters=True)  # a file's percent signs are its own
    for file in view_files():
        raw.exec_driver_sql(file.read_text(encoding="utf-8"))
    raw.exec_driver_sql(_GRANT)
    raw.exec_driver_sql(f"COMMENT ON SCHEMA reports IS '{fingerprint(head)}'")
