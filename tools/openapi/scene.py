"""A running exchange in which everything that answers can show has happened, and a caller who asks it."""

import itertools
import json
import uuid
from collections.abc import Mapping
from typing import Any, Self

import requests

from tests.support.exchange import ExchangeProcess
from tools.openapi.comparison import TOO_MANY, UNAUTHORIZED, Example
from tools.openapi.specification import Answer

_TIMEOUT_S = 10
_CALL, _PUT = "AAPL271217C00200000", "AAPL271217P00200000"
_ORDER = {"symbol": "DIS", "side": "buy", "type": "limit", "time_in_force": "day", "limit_price": "90"}


class Scene:
    """One account's past at an exchange: orders of every kind and status, positions, and `names` for their ids."""

    def __init__(self, exchange: ExchangeProcess) -> None:
        self._exchange = exchange
        self._session = requests.Session()
        self._session.trust_env = False
        self._account = exchange.add_account("scene", shorting_enabled=True)
        self._nobody = exchange.add_account("exhausted", rate_limit=1)
        strikes = itertools.islice(itertools.count(1000, 1000), 101)
        self.names: dict[str, str] = {
            "call": _CALL,
            "put": _PUT,
            "many_options": ",".join(f"AAPL271217C{strike:08d}" for strike in strikes),
            "nobody": str(uuid.uuid5(uuid.NAMESPACE_URL, "nobody")),
        }
        self._play()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def ask(self, method: str, example: Example) -> Answer:
        """Send an example's request; its status chooses whose keys it is sent with."""
        account = self._nobody if example.status == TOO_MANY else self._account
        secret = "wrong" if example.status == UNAUTHORIZED else account["secret_key"]
        keys = {"APCA-API-KEY-ID": account["key_id"], "APCA-API-SECRET-KEY": secret}
        path, body = example.path.format_map(self.names), _named(example.body, self.names)
        if example.status == TOO_MANY:
            self._send(method, path, body, keys)
        return self._send(method, path, body, keys)

    def _play(self) -> None:
        """Make the orders; those that must not fill come first."""
        self._exchange.set_fills(never=True)
        self._order("resting")
        self._order("partial", type="market", limit_price=None, qty="10")
        self._exchange.release(client_order_id="partial", qty=4)
        self._order("canceled", symbol="MSFT")
        self.ask("DELETE", Example("/v2/orders/{canceled}", 204))
        for status in ("expired", "rejected"):
            self._order(status, symbol="XOM")
            self._exchange.set_status(status, client_order_id=status)
        self._exchange.set_fills(never=None, delay_ms=0)
        self._order("filled", symbol="AAPL", type="market", limit_price=None)
        self._order("notional", symbol="SPY", type="market", limit_price=None, qty=None, notional="100")
        self._order("option", symbol=_CALL, type="market", limit_price=None)
        self._order("short", symbol="F", side="sell", type="market", limit_price=None)
        self._order("stop", symbol="AAPL", side="sell", type="stop", stop_price="100", limit_price=None)
        self._order("trailing", symbol="MSFT", type="trailing_stop", trail_price="5", limit_price=None)
        self._exchange.change_account("scene", cash="200000")
        made = self.ask("POST", Example("/v2/watchlists", body={"name": "scene", "symbols": ["AAPL"]}))
        self.names["watchlist"] = json.loads(made.body)["id"]

    def _order(self, name: str, **terms: Any) -> None:
        body = {**_ORDER, "qty": "1", "client_order_id": name, **terms}
        answer = self.ask("POST", Example("/v2/orders", body=body))
        if answer.status != requests.codes.ok:
            raise RuntimeError(f"the order {name} was refused: {answer.status} {answer.body!r}")
        self.names[name] = json.loads(answer.body)["id"]

    def _send(self, method: str, path: str, body: object, keys: Mapping[str, str]) -> Answer:
        url = self._exchange.url + path
        sent = self._session.request(method, url, json=body, headers=keys, timeout=_TIMEOUT_S)
        return Answer(sent.status_code, {name.lower(): value for name, value in sent.headers.items()}, sent.content)


def _named(body: Any, names: Mapping[str, str]) -> Any:
    """Fill the names into the strings of a body, however deep."""
    if isinstance(body, str):
        return body.format_map(names)
    if isinstance(body, dict):
        return {key: _named(value, names) for key, value in body.items()}
    return [_named(value, names) for value in body] if isinstance(body, list) else body
