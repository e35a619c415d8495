"""Who holds each account's stream, and how it is doing: leases and health on the database's clock (R3, R31)."""

import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from models.unit import Unit

LEASE_S = 5
_AT_ONCE = 20
DOWN_AFTER_S = 15
ALERT_AFTER_S = 30
_UNTOLD_S = 10

STREAMED_BROKERS = ("alpaca",)
_WANTED = "a.enabled AND a.type_read_at IS NOT NULL AND a.broker = ANY(%(brokers)s)"
"""An account that was never read has an alert of its own, and perhaps keys that nobody takes."""


@dataclass(frozen=True, slots=True)
class StreamedAccount:
    """An account that is to have a stream."""

    account_id: uuid.UUID
    name: str

    @property
    def lease(self) -> str:
        """The name of its lease."""
        return lease_of(self.name)


@dataclass(frozen=True, slots=True)
class StreamState:
    """What a holder says of one of its streams."""

    account_id: uuid.UUID
    lease: str
    is_connected: bool
    last_frame_at: dt.datetime | None
    last_heard_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class StreamsStanding:
    """All streams in counts; ages in seconds. `down` are those not connected for a quarter of a minute."""

    expected: int
    connected: int
    down: int
    reconnects: int
    oldest_frame_s: float | None  # float: seconds of a clock
    oldest_heard_s: float | None  # float: seconds of a clock


@dataclass(frozen=True, slots=True)
class DownStream:
    """An account whose stream has not been connected for half a minute."""

    account_id: uuid.UUID
    name: str
    seconds: int


def lease_of(account: str) -> str:
    """Return the name of the lease on an account's stream."""
    return f"stream:{account}"


def streamed_accounts(unit: Unit) -> Sequence[StreamedAccount]:
    """Return the accounts that are to have a stream: switched on in secrets.yml and read once, of such a broker."""
    statement = f"SELECT account_id, name FROM trading.accounts a WHERE {_WANTED} ORDER BY name"  # noqa: S608  ours
    return [StreamedAccount(*row) for row in unit.rows(statement, {"brokers": list(STREAMED_BROKERS)})]


# A few at a time and by chance, so that two processes that start together share the accounts; in the order of their
# names, so that they do not wait for each other in a circle.
_TAKE = """
INSERT INTO trading.leases AS l (name, owner, expires_at)
SELECT name, %(owner)s, clock_timestamp() + make_interval(secs => %(seconds)s)
  FROM (SELECT n.name FROM unnest(%(names)s::text[]) AS n(name)
         WHERE NOT EXISTS (SELECT FROM trading.leases h WHERE h.name = n.name AND h.expires_at > clock_timestamp())
         ORDER BY random() LIMIT %(limit)s) AS free
 ORDER BY name
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
 WHERE l.expires_at <= clock_timestamp()
RETURNING name
"""

_RENEW = """
UPDATE trading.leases SET expires_at = clock_timestamp() + make_interval(secs => %(seconds)s)
 WHERE name = ANY(%(names)s) AND owner = %(owner)s
RETURNING name
"""


def take_streams(unit: Unit, names: Sequence[str], owner: str) -> set[str]:
    """Take leases that nobody holds, a few of them; return their names."""
    given = {"names": list(names), "owner": owner, "seconds": LEASE_S, "limit": _AT_ONCE}
    return {row.name for row in unit.rows(_TAKE, given)}


def renew_streams(unit: Unit, names: Sequence[str], owner: str) -> set[str]:
    """Renew leases; return those that are still ours. One that ran out but that nobody took is."""
    return {row.name for row in unit.rows(_RENEW, {"names": list(names), "owner": owner, "seconds": LEASE_S})}


def drop_streams(unit: Unit, names: Sequence[str], owner: str) -> None:
    """Let leases go before their time: the connections are closed."""
    unit.run(
        "DELETE FROM trading.leases WHERE name = ANY(%(names)s) AND owner = %(owner)s",
        {"names": list(names), "owner": owner},
    )


_CONNECTED = """
INSERT INTO trading.streams AS s (account_id, holder, connected_since, last_frame_at, last_heard_at, healthy_until)
SELECT %(account_id)s, l.owner, clock_timestamp(), clock_timestamp(), clock_timestamp(), l.expires_at
  FROM trading.leases l
 WHERE l.name = %(lease)s AND l.owner = %(owner)s AND l.expires_at > clock_timestamp()
   FOR SHARE
ON CONFLICT (account_id) DO UPDATE SET
  holder = excluded.holder, connected_since = excluded.connected_since, last_frame_at = excluded.last_frame_at,
  last_heard_at = excluded.last_heard_at, healthy_until = excluded.healthy_until, untold_at = NULL,
  reconnects = s.reconnects + 1
RETURNING account_id
"""

_CATCH_UP = """
UPDATE trading.orders SET due_at = clock_timestamp(), hints = 0, next_hint_at = NULL
 WHERE account_id = %(account_id)s AND due_at IS NOT NULL AND status IN ('accepted', 'partially_filled')
"""

_LEFT_OVER = """
UPDATE trading.broker_inbox SET applied_at = clock_timestamp(), outcome = 'left to the poll after a new connection'
 WHERE account_id = %(account_id)s AND applied_at IS NULL
"""


def begin_stream(unit: Unit, account: StreamedAccount, owner: str) -> bool:
    """Record a new connection, and have everything asked for that it was not there to tell; False without the lease.

    Nothing is told twice by a broker, so all working orders are due for a poll at once.
    """
    given = {"account_id": account.account_id, "lease": account.lease, "owner": owner}
    if unit.row(_CONNECTED, given) is None:
        return False
    unit.run(_CATCH_UP, given)
    unit.run(_LEFT_OVER, given)
    return True


_REFRESH = """
UPDATE trading.streams s
   SET last_frame_at = greatest(s.last_frame_at, t.last_frame_at),
       last_heard_at = greatest(s.last_heard_at, t.last_heard_at),
       connected_since = CASE WHEN t.is_connected THEN s.connected_since END,
       healthy_until = CASE WHEN t.is_connected THEN l.expires_at
                            ELSE least(s.healthy_until, clock_timestamp()) END
  FROM jsonb_to_recordset(%(states)s::jsonb) AS t(
    account_id uuid, lease text, is_connected boolean, last_frame_at timestamptz, last_heard_at timestamptz)
  JOIN trading.leases l ON l.name = t.lease AND l.owner = %(owner)s AND l.expires_at > clock_timestamp()
 WHERE s.account_id = t.account_id
RETURNING s.account_id, s.untold_at < clock_timestamp() - make_interval(secs => %(untold_s)s) AS is_untold
"""


def tell_streams(unit: Unit, states: Sequence[StreamState], owner: str) -> set[uuid.UUID]:
    """Write how our streams are doing; return the accounts where a poll wrote a fill some time ago (`is_mute`)."""
    if not states:
        return set()
    listed = json.dumps([asdict(state) for state in states], default=str)
    given = {"states": listed, "owner": owner, "untold_s": _UNTOLD_S}
    return {row.account_id for row in unit.rows(_REFRESH, given) if row.is_untold}


_IS_MUTE = """
SELECT EXISTS (
  SELECT FROM trading.fills f JOIN trading.orders o USING (order_id)
   WHERE f.account_id = s.account_id AND f.recorded_at >= s.untold_at - interval '1 second'
     AND f.recorded_at < clock_timestamp() - make_interval(secs => %(untold_s)s)
     AND o.submitted_at > s.connected_since
     AND NOT EXISTS (SELECT FROM trading.broker_inbox b
                      WHERE b.account_id = f.account_id AND b.broker_order_id = f.broker_order_id
                        AND b.cum_qty >= f.cum_qty)) AS is_mute
  FROM trading.streams s WHERE s.account_id = %(account_id)s
"""


def is_mute(unit: Unit, account_id: uuid.UUID) -> bool:
    """Return whether the stream has not told a fill that a poll wrote ten seconds ago; else its mark is taken away."""
    given = {"account_id": account_id, "untold_s": _UNTOLD_S}
    row = unit.row(_IS_MUTE, given)
    if row is not None and row.is_mute:
        return True
    unit.run("UPDATE trading.streams SET untold_at = NULL WHERE account_id = %(account_id)s", given)
    return False


_STANDING = f"""
SELECT count(*) AS expected,
       count(*) FILTER (WHERE s.healthy_until > clock_timestamp()) AS connected,
       count(*) FILTER (WHERE coalesce(s.healthy_until, a.created_at)
                              < clock_timestamp() - make_interval(secs => %(down_s)s)) AS down,
       coalesce(sum(s.reconnects), 0)::bigint AS reconnects,
       round(extract(epoch FROM clock_timestamp() - min(s.last_frame_at)), 1)::float8 AS oldest_frame_s,
       round(extract(epoch FROM clock_timestamp() - min(s.last_heard_at)), 1)::float8 AS oldest_heard_s
  FROM trading.accounts a LEFT JOIN trading.streams s USING (account_id)
 WHERE {_WANTED}
"""  # noqa: S608  every part is ours


def read_streams(unit: Unit) -> StreamsStanding:
    """Return how all streams are doing now."""
    (row,) = unit.rows(_STANDING, {"brokers": list(STREAMED_BROKERS), "down_s": DOWN_AFTER_S})
    return StreamsStanding(**row._asdict())


_DOWN = f"""
SELECT a.account_id, a.name,
       extract(epoch FROM clock_timestamp() - coalesce(s.healthy_until, a.created_at))::int AS seconds
  FROM trading.accounts a LEFT JOIN trading.streams s USING (account_id)
 WHERE {_WANTED}
   AND coalesce(s.healthy_until, a.created_at) < clock_timestamp() - make_interval(secs => %(alert_s)s)
"""  # noqa: S608  every part is ours


def down_streams(unit: Unit) -> Mapping[str, DownStream]:
    """Return the accounts, by name, whose stream has been away for half a minute."""
    rows = unit.rows(_DOWN, {"brokers": list(STREAMED_BROKERS), "alert_s": ALERT_AFTER_S})
    return {row.name: DownStream(*row) for row in rows}
