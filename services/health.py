"""How the house stands by its own record: what health shows to anybody (MON-001); names of accounts are not for all."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.unit import Unit
from services.alerts import AlertCount, count_open
from services.clock_checks import ClockStanding, read_clocks
from services.gauges import Gauges, read_gauges
from services.sealing import Sealing, read_sealing
from services.streams import StreamsStanding, read_streams

_STANDING = """
SELECT count(*) FILTER (WHERE account_type_source <> 'fallback' AND account_type = 'paper') AS paper,
       count(*) FILTER (WHERE account_type_source <> 'fallback' AND account_type = 'live') AS live,
       count(*) FILTER (WHERE account_type_source = 'fallback') AS fallback,
       count(*) FILTER (WHERE type_read_at IS NULL) AS not_read,
       count(*) FILTER (WHERE entries_blocked IS NOT NULL) AS blocked,
       count(*) FILTER (WHERE type_mismatch IS NOT NULL) AS mismatch,
       count(*) FILTER (WHERE number_changed_at IS NOT NULL) AS number_changed,
       count(*) FILTER (WHERE disabled_by IS NOT NULL) AS disabled,
       (SELECT count(*) FROM trading.instruments) AS instruments,
       (SELECT count(*) FROM trading.orders WHERE due_at < clock_timestamp() - interval '10 seconds') AS overdue,
       (SELECT count(*) FROM trading.orders WHERE status = 'quarantined') AS quarantined
  FROM trading.accounts WHERE enabled
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """Counts of accounts by type and trouble, instruments, orders overdue or quarantined; alerts; gauges; streams.

    `disabled` are those that an admin has switched off; what secrets.yml switches off is not counted at all.
    """

    paper: int
    live: int
    fallback: int
    not_read: int
    blocked: int
    mismatch: int
    number_changed: int
    disabled: int
    instruments: int
    overdue: int
    quarantined: int
    alerts: Sequence[AlertCount]
    processes: Sequence[Gauges]
    streams: StreamsStanding
    sealing: Sealing
    clock: ClockStanding


def read_standing(unit: Unit) -> Standing:
    """Return it as it is now."""
    (row,) = unit.rows(_STANDING)
    return Standing(
        **row._asdict(),
        alerts=count_open(unit),
        processes=read_gauges(unit),
        streams=read_streams(unit),
        sealing=read_sealing(unit),
        clock=read_clocks(unit),
    )
