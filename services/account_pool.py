"""The accounts with the clients that the processes have for them, as each process told it last (MON-001)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.unit import Row, Unit
from services.accounts import all_accounts
from services.gauges import FRESH_S

_CLIENTS = """
SELECT c.key AS account, g.host || '/' || g.process AS process, c.value AS client
  FROM trading.process_gauges g CROSS JOIN LATERAL jsonb_each(coalesce(g.pool->'clients', '{}')) c
 WHERE g.reported_at > clock_timestamp() - make_interval(secs => %(fresh_s)s)
 ORDER BY 2
"""


@dataclass(frozen=True, slots=True)
class AccountPool:
    """Every account's row, by name, and by its name the clients that stand, each under `host/process:pid`."""

    accounts: Sequence[Row]
    clients: Mapping[str, Mapping[str, Mapping[str, Any]]]


def read_pool(unit: Unit) -> AccountPool:
    """Return it as the processes told it within half a minute."""
    clients: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for row in unit.rows(_CLIENTS, {"fresh_s": FRESH_S}):
        clients[row.account][row.process] = row.client
    return AccountPool(all_accounts(unit, enabled_only=False), dict(clients))
