"""Watchlists: named lists of symbols that a customer keeps, by id or by name."""

import uuid
from typing import Any

from aiohttp import web

from exchange import errors
from exchange.alpaca_routes import query
from exchange.assets import ASSETS
from exchange.clock import rfc3339
from exchange.gate import answer
from exchange.reference_wire import asset_json
from exchange.state import Account, Watchlist
from exchange.world import ACCOUNT, World

_LONGEST_NAME = 64


class WatchlistRoutes:
    """The routes under /v2/watchlists."""

    def __init__(self, world: World) -> None:
        self._engine = world.engine

    def routes(self) -> list[web.RouteDef]:
        """Their table."""
        one, by_name = "/v2/watchlists/{id}", "/v2/watchlists:by_name"
        return [
            web.get("/v2/watchlists", self.watchlists, allow_head=False),
            web.post("/v2/watchlists", self.create),
            web.delete(f"{one}/{{symbol}}", self.remove),
            *(web.get(path, self.watchlist, allow_head=False) for path in (one, by_name)),
            *(web.put(path, self.update) for path in (one, by_name)),
            *(web.post(path, self.add) for path in (one, by_name)),
            *(web.delete(path, self.delete) for path in (one, by_name)),
        ]

    async def watchlists(self, request: web.Request) -> web.Response:
        """GET all of them, without their assets."""
        account = request[ACCOUNT]
        return answer([_head(account, watchlist) for watchlist in account.watchlists.values()])

    async def watchlist(self, request: web.Request) -> web.Response:
        """GET one with its assets."""
        return _shown(request[ACCOUNT], _find(request))

    async def create(self, request: web.Request) -> web.Response:
        """POST {name, symbols?}."""
        body = _object(await query.body(request))
        return self._save(request, str(uuid.uuid4()), _name(request[ACCOUNT], body), _symbols(body))

    async def update(self, request: web.Request) -> web.Response:
        """PUT {name?, symbols?}: what is not given stays."""
        watchlist, body = _find(request), _object(await query.body(request))
        name = _name(request[ACCOUNT], body, watchlist) if body.get("name") is not None else watchlist.name
        symbols = _symbols(body) if body.get("symbols") is not None else watchlist.symbols
        return self._save(request, watchlist.id, name, symbols)

    async def add(self, request: web.Request) -> web.Response:
        """POST {symbol}: to the end of the list."""
        watchlist, body = _find(request), _object(await query.body(request))
        added = _symbols({"symbols": [*watchlist.symbols, body.get("symbol")]})
        return self._save(request, watchlist.id, watchlist.name, added)

    async def remove(self, request: web.Request) -> web.Response:
        """DELETE one symbol of the list."""
        watchlist, symbol = _find(request), request.match_info["symbol"]
        if symbol not in watchlist.symbols:
            raise errors.not_found(f"{symbol} is not in the watchlist")
        left = [name for name in watchlist.symbols if name != symbol]
        return self._save(request, watchlist.id, watchlist.name, left)

    async def delete(self, request: web.Request) -> web.Response:
        """DELETE the list: 204."""
        account, watchlist = request[ACCOUNT], _find(request)
        self._engine.commit("watchlist_gone", account=account.name, id=watchlist.id)
        return web.Response(status=204)

    def _save(self, request: web.Request, list_id: str, name: str, symbols: list[str]) -> web.Response:
        account = request[ACCOUNT]
        self._engine.commit("watchlist", account=account.name, id=list_id, name=name, symbols=symbols)
        return _shown(account, account.watchlists[list_id])


def _find(request: web.Request) -> Watchlist:
    watchlists, wanted = request[ACCOUNT].watchlists, request.match_info.get("id")
    named = (each for each in watchlists.values() if each.name == request.query.get("name"))
    found = next(named, None) if wanted is None else watchlists.get(wanted)
    if found is None:
        raise errors.not_found("watchlist not found")
    return found


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise errors.bad_request("request body format is invalid")
    return body


def _name(account: Account, body: dict[str, Any], renamed: Watchlist | None = None) -> str:
    name = body.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
        raise errors.invalid(f"name must have 1 to {_LONGEST_NAME} characters")
    if any(each.name == name and each is not renamed for each in account.watchlists.values()):
        raise errors.invalid("watchlist name must be unique")
    return name


def _symbols(body: dict[str, Any]) -> list[str]:
    symbols = body.get("symbols") or []
    if not isinstance(symbols, list):
        raise errors.invalid("symbols must be a list")
    for symbol in symbols:
        if not isinstance(symbol, str) or symbol not in ASSETS:
            raise errors.refused(f'asset "{symbol}" not found')
    if len(set(symbols)) < len(symbols):
        raise errors.invalid("duplicate symbols in watchlist")
    return symbols


def _head(account: Account, watchlist: Watchlist) -> dict[str, Any]:
    return {
        "id": watchlist.id,
        "account_id": account.id,
        "name": watchlist.name,
        "created_at": rfc3339(watchlist.created_ns),
        "updated_at": rfc3339(watchlist.updated_ns),
    }


def _shown(account: Account, watchlist: Watchlist) -> web.Response:
    assets = [asset_json(ASSETS[symbol]) for symbol in watchlist.symbols]
    return answer({**_head(account, watchlist), "assets": assets})
