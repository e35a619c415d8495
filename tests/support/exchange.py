"""Starts a real simulated exchange for a test and speaks to its control port."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import requests

from tests.support.ports import free_port

_ROOT = Path(__file__).parents[2]
_START_S, _STOP_S, _CALL_S = 15.0, 5.0, 10.0
_MOST_GRANTS = 1000

DEMO: dict[str, Any] = {
    "name": "demo",
    "key_id": "PKDEMO",
    "secret_key": "demo-secret",
    "account_number": "PA3DEMO00001",
    "cash": "100000",
    "rate_limit": 100_000,
}
"""The account that an exchange has when a test names none; its limit is out of the way."""


class ExchangeProcess:
    """One exchange on `directory` (journal, accounts, log); `start` again after `kill` continues the same world."""

    def __init__(
        self, directory: Path, accounts: list[dict[str, Any]] | None = None, *, control_token: str | None = None
    ) -> None:
        self.directory = directory
        self.port, self.control_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.control_url = f"http://127.0.0.1:{self.control_port}"
        self.journal = directory / "data" / "journal.jsonl"
        self.log = directory / "exchange.log"
        self._accounts = accounts if accounts is not None else [DEMO]
        self._token = control_token
        self._process: subprocess.Popen[bytes] | None = None
        self._session = requests.Session()
        self._session.trust_env = False

    def start(self) -> Self:
        """Start and wait until both ports answer; RuntimeError with the log when they do not."""
        self.launch()
        deadline = time.monotonic() + _START_S  # noqa: TID251  a real process is waited for
        while time.monotonic() < deadline and self.running:  # noqa: TID251  a real process is waited for
            if self._answers():
                return self
            time.sleep(0.03)
        self.kill()
        raise RuntimeError(f"the exchange did not start:\n{self.log.read_text()}")

    def launch(self) -> None:
        """Start without waiting: for tests of starts that fail."""
        self.directory.mkdir(parents=True, exist_ok=True)
        accounts = self.directory / "accounts.json"
        accounts.write_text(json.dumps(self._accounts))
        command = [sys.executable, "-m", "exchange", "--port", str(self.port), "--control-port", str(self.control_port)]
        command += ["--data", str(self.journal.parent), "--accounts", str(accounts)]
        if self._token is not None:
            (self.directory / "token").write_text(self._token)
            command += ["--control-token-file", str(self.directory / "token")]
        environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=_ROOT, env=environment)

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process's number; 0 before the start."""
        return self._process.pid if self._process else 0

    def stop(self) -> int:
        """SIGTERM; give the exit code, TimeoutExpired when it takes longer than 5 s."""
        self._session.close()
        if self._process is None:
            return 0
        self._process.terminate()
        return self._process.wait(_STOP_S)

    def wait(self) -> int:
        """Wait for the process to end by itself; give the exit code."""
        return self._process.wait(_START_S) if self._process else 0

    def kill(self) -> None:
        """SIGKILL, as a power cut of this process alone."""
        self._session.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait(_STOP_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def control(self, method: str, path: str, body: object = None) -> requests.Response:
        """Call the control port with a JSON body; give the answer, whatever its status."""
        headers = {} if self._token is None else {"X-Control-Token": self._token}
        return self._session.request(method, self.control_url + path, json=body, headers=headers, timeout=_CALL_S)

    def ledger(self, account: str = "demo", since: float = 0) -> dict[str, Any]:
        """Give one account's truth: cash, positions, orders, attempts."""
        answer = self._checked("GET", f"/ledger?account={account}&since={since!r}")
        return dict(answer["accounts"][0])

    def order(self, client_order_id: str, account: str = "demo") -> dict[str, Any] | None:
        """Give one order of the ledger, None when the exchange never accepted it."""
        orders = self.ledger(account)["orders"]
        return next((order for order in orders if order["client_order_id"] == client_order_id), None)

    def request_counts(self) -> list[dict[str, Any]]:
        """Give the counters of requests to the brokers' API."""
        return list(self._checked("GET", "/requests")["requests"])

    def set_price(self, symbol: str, price: str | None = None, **sides: Any) -> None:
        """Script a quote: one price for bid, ask and last, or the sides given; `age_ms` or `missing=True` beside."""
        given = {} if price is None else dict.fromkeys(("bid", "ask", "last"), price)
        self._checked("PUT", "/prices", {symbol: given | sides})

    def grant(self, account: str, symbol: str, qty: str, price: str) -> None:
        """Give a position without an order; `qty` is negative for a short, `price` its entry price in USD a share."""
        self.grant_all([{"account": account, "symbol": symbol, "qty": qty, "price": price}])

    def grant_all(self, positions: Sequence[Mapping[str, str]]) -> None:
        """Give as many positions as wanted, each with account, symbol, qty and price."""
        for start in range(0, len(positions), _MOST_GRANTS):
            self._checked("POST", "/positions", {"positions": list(positions[start : start + _MOST_GRANTS])})

    def set_fills(self, **settings: Any) -> None:
        """Script fills: symbol, delay_ms, never, partial."""
        self._checked("POST", "/fills", settings)

    def release(self, **wanted: Any) -> dict[str, str]:
        """Fill the open orders that fit (account, symbol, client_order_id, qty) now; give quantities by client id."""
        return dict(self._checked("POST", "/fills/release", wanted)["filled"])

    def set_status(self, status: str, **wanted: Any) -> list[str]:
        """Script what becomes of the open orders that fit (account, symbol, client_order_id); give their client ids."""
        return list(self._checked("POST", "/orders/status", {"status": status, **wanted})["orders"])

    def streams(self) -> list[dict[str, Any]]:
        """Give the open trade_updates streams: account, since, listening, sent."""
        return list(self._checked("GET", "/streams")["streams"])

    def set_clock(self, *, is_open: bool, is_extended: bool = False) -> None:
        """Open or close the market, or leave it to orders for extended hours."""
        self._checked("PUT", "/clock", {"is_open": is_open, "is_extended": is_extended})

    def set_clock_offset(self, offset_ms: int) -> None:
        """Put the exchange's clock ahead of the real one from now on, or behind it."""
        self._checked("PUT", "/clock/offset", {"offset_ms": offset_ms})

    def add_account(self, name: str, **fields: Any) -> dict[str, Any]:
        """Open an account; its keys are `PK-name` and `name-secret` unless given, its limit out of the way."""
        account = {
            "name": name,
            "key_id": f"PK-{name}",
            "secret_key": f"{name}-secret",
            "rate_limit": 100_000,
            **fields,
        }
        self._checked("POST", "/accounts", account)
        return account

    def change_account(self, name: str, **changes: Any) -> None:
        """Set fields of an account."""
        self._checked("PATCH", f"/accounts/{name}", changes)

    def add_fault(self, kind: str, **where: Any) -> str:
        """Set a fault of a request or a stream up (docs/exchange-faults.md has its fields); give its id."""
        return str(self._checked("POST", "/faults", {"kind": kind, **where})["id"])

    def fired(self, fault_id: str) -> int:
        """Give how often a fault has struck."""
        return next(int(fault["fired"]) for fault in self.faults() if fault["id"] == fault_id)

    def faults(self) -> list[dict[str, Any]]:
        """Give the faults with how often each has fired."""
        return list(self._checked("GET", "/faults")["faults"])

    def remove_fault(self, fault_id: str) -> None:
        """Remove one fault."""
        self._checked("DELETE", f"/faults/{fault_id}")

    def remove_faults(self) -> None:
        """Remove every fault."""
        self._checked("DELETE", "/faults")

    def _checked(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = self.control(method, path, body)
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return dict(answer.json())

    def _answers(self) -> bool:
        try:
            return self.control("GET", "/health").ok
        except requests.ConnectionError:
            return False
