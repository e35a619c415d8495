"""Leases: one process at a time, on the database's clock, let go by expiry when its holder stops (R3)."""

import datetime as dt

from models.unit import Unit

_TAKE = """
INSERT INTO trading.leases AS l (name, owner, expires_at)
VALUES (%(name)s, %(owner)s, clock_timestamp() + make_interval(secs => %(seconds)s))
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
 WHERE l.owner = excluded.owner OR l.expires_at <= clock_timestamp()
RETURNING owner
"""


def take_lease(unit: Unit, name: str, owner: str, seconds: int) -> bool:
    """Take or renew a lease; False while somebody else holds it."""
    return unit.row(_TAKE, {"name": name, "owner": owner, "seconds": seconds}) is not None


def read_clock(unit: Unit) -> dt.datetime:
    """Return the time by the database's clock, which all processes share."""
    (row,) = unit.rows("SELECT clock_timestamp() AS now")
    now: dt.datetime = row.now
    return now


def drop_lease(unit: Unit, name: str, owner: str) -> None:
    """Let a lease go before its time."""
    unit.run("DELETE FROM trading.leases WHERE name = %(name)s AND owner = %(owner)s", {"name": name, "owner": owner})
