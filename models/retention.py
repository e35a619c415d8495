"""Takes a month out of the audit trail, as the migrations' login: no role of the running system may."""

from dataclasses import dataclass

import psycopg


@dataclass(frozen=True, slots=True)
class Retired:
    """A month, how many rows its file has, the file and its digest, and who retires it."""

    part: str
    rows: int
    file: str
    sha256: str
    actor: str


def retire_part(migrations_url: str, retired: Retired, *, years: int) -> None:
    """Put the month on record as retired and detach its partition, in one transaction.

    Raises psycopg.Error with the server's words: younger than `years`, not sealed to the last row, not a partition, or
    the trail is too busy for the second that it is locked.
    """
    url = migrations_url.replace("postgresql+psycopg://", "postgresql://", 1)
    given = (retired.part, years, retired.rows, retired.file, retired.sha256, retired.actor)
    with psycopg.connect(url, connect_timeout=5, application_name="opitios-retire", autocommit=True) as connection:
        connection.execute("SELECT audit.retire_part(%s, %s, %s, %s, %s, %s)", given)
