"""Attempts to sign in are counted by name, not by address: no caller is trusted for its address (US-SYSTEM-016).

An attempt is counted before its password is looked at, in one statement, so that attempts at the same time cannot all
pass; the right password takes the count back. A pause is bounded: what is refused during it neither counts nor makes it
longer, and between two pauses there are five attempts for whoever comes first, the name's owner too. Sessions go on
through a pause, and `opitios admin reset-password` needs no sign-in.
"""

import datetime as dt
import hashlib

from models.unit import Unit

ATTEMPTS = 5
PAUSE_S = 60

_BEGIN = """
INSERT INTO trading.login_attempts AS a (bucket, attempts, forget_at)
VALUES (%(bucket)s, 1, clock_timestamp() + %(pause)s)
ON CONFLICT (bucket) DO UPDATE SET
  attempts = CASE WHEN a.forget_at <= clock_timestamp() THEN 1 ELSE a.attempts + 1 END,
  -- the first attempt begins a minute, the last one that is allowed begins the pause
  forget_at = CASE WHEN a.forget_at <= clock_timestamp() OR a.attempts + 1 = %(attempts)s
                   THEN clock_timestamp() + %(pause)s ELSE a.forget_at END
WHERE a.attempts < %(attempts)s OR a.forget_at <= clock_timestamp()
RETURNING bucket
"""

_LEFT = """
SELECT ceil(extract(epoch FROM forget_at - clock_timestamp())) AS seconds
  FROM trading.login_attempts WHERE bucket = %(bucket)s
"""


def begin_attempt(unit: Unit, username: str) -> int:
    """Count an attempt; return 0 when it may go on, else how many seconds its name has to wait."""
    bucket = {"bucket": _bucket(username)}
    if unit.row(_BEGIN, bucket | {"attempts": ATTEMPTS, "pause": dt.timedelta(seconds=PAUSE_S)}) is not None:
        return 0
    left = unit.row(_LEFT, bucket)
    return 1 if left is None else max(1, int(left.seconds))


def forget_attempts(unit: Unit, username: str) -> None:
    """Take the count of a name back: its owner has signed in."""
    unit.run("UPDATE trading.login_attempts SET attempts = 0 WHERE bucket = %(bucket)s", {"bucket": _bucket(username)})


def _bucket(username: str) -> int:
    return int.from_bytes(hashlib.sha256(username.encode()).digest()[:2])
