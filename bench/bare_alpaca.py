"""alpaca-py alone, one order after the other straight at the exchange: what the broker call costs without the house."""

import json
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from alpaca.trading.client import TradingClient

from bench.child import output_of
from bench.world import REFERENCE_ACCOUNT, exchange_accounts
from config.settings import load_settings


@dataclass(frozen=True, slots=True)
class BareCalls:
    """Calls a second on one thread, and the CPU each costs the client."""

    per_s: float
    cpu_ms: float


def bare_alpaca(environ: Mapping[str, str], count: int, label: str) -> BareCalls:
    """Place so many orders through alpaca-py in a process of its own; `label` makes their ids unique."""
    return BareCalls(**json.loads(output_of("bench.bare_alpaca", str(count), label, environ=environ)))


def main(count: int, label: str) -> None:
    """Place the orders with the settings of brokers/alpaca/adapter.py; print the figures."""
    settings = load_settings()
    keys = exchange_accounts(settings.home)[REFERENCE_ACCOUNT]
    client = TradingClient(keys["key_id"], keys["secret_key"], url_override=settings.exchange_url, raw_data=True)
    client._retry = 0  # noqa: SLF001  as the adapter has it
    client._session.trust_env = False  # noqa: SLF001  likewise
    body = {"symbol": "F", "qty": "1", "side": "buy", "type": "limit", "time_in_force": "day", "limit_price": "12.00"}
    client.post("/orders", {**body, "client_order_id": f"{label}-first"})  # opens the connection
    started, before = time.monotonic(), _cpu_s()
    for number in range(count):
        client.post("/orders", {**body, "client_order_id": f"{label}-{number}"})
    per_s, cpu_ms = count / (time.monotonic() - started), (_cpu_s() - before) / count * 1000
    client._session.close()  # noqa: SLF001  alpaca-py has no close of its own
    print(json.dumps(asdict(BareCalls(per_s, cpu_ms))))


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
