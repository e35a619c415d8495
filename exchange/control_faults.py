"""The script's door to faults and to the exchange's clock: one way to set up, list and remove every kind."""

import re
from typing import Any

from aiohttp import web

from exchange import clock
from exchange.fault_kinds import KINDS
from exchange.faults import REQUESTS, Place
from exchange.fields import FieldError, Fields, json_body
from exchange.stream_fault_kinds import NEW_NUMBER, STREAM_KINDS
from exchange.world import World

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_PLACES: dict[str, Place] = {name: kind.place for name, kind in (KINDS | STREAM_KINDS).items()}
_DELAYS = frozenset({"delay", "late", "stream_delay"})
"""Kinds that mean nothing without `delay_ms`."""


class FaultControl:
    """The control port's routes for what goes wrong."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Their table."""
        return [
            web.get("/faults", self.faults),
            web.post("/faults", self.add),
            web.delete("/faults", self.remove),
            web.delete("/faults/{id}", self.remove),
            web.put("/clock/offset", self.set_offset),
        ]

    async def faults(self, request: web.Request) -> web.Response:  # noqa: ARG002  aiohttp's shape
        """GET the faults with how often each has fired, and every kind there is."""
        shown = [fault.shown() for fault in self._world.faults.all()]
        return web.json_response({"faults": shown, "kinds": list(_PLACES)})

    async def add(self, request: web.Request) -> web.Response:
        """POST {kind, and what docs/exchange-faults.md says of it}; answers {id}."""
        where = self._read(Fields(await json_body(request)))
        try:
            fault = self._world.faults.add(**where)
        except re.error as error:
            raise FieldError("path", f"is no regular expression: {error}") from error
        return web.json_response({"id": fault.id}, status=201)

    def _read(self, fields: Fields) -> dict[str, Any]:
        kind = fields.text("kind")
        if kind not in _PLACES:
            raise FieldError("kind", f"must be one of {', '.join(_PLACES)}")
        times = fields.count("times", None, least=1)
        where = {
            "kind": kind,
            "place": _PLACES[kind],
            "account": fields.text("account", None),
            "times": 1 if times is None and "times" not in fields else times,
            "after": fields.count("after", 0),
            "chance": _chance(fields),
            "seed": fields.count("seed", 0),
            "delay_ms": fields.count("delay_ms") if kind in _DELAYS else fields.count("delay_ms", None),
            **_narrowed(kind, fields),
        }
        fields.done()
        if where["account"] not in {None, *self._world.engine.book.accounts}:
            raise FieldError("account", f"there is no account {where['account']!r}")
        if kind == NEW_NUMBER and where["account"] is None:
            raise FieldError("account", "is required: no two accounts have one number")
        return where

    async def remove(self, request: web.Request) -> web.Response:
        """DELETE one fault, or all; 404 when there is none by that id."""
        fault_id = request.match_info.get("id")
        removed = self._world.faults.remove(fault_id)
        if fault_id is not None and not removed:
            return web.json_response({"message": f"there is no fault {fault_id!r}"}, status=404)
        return web.json_response({"removed": removed})

    async def set_offset(self, request: web.Request) -> web.Response:
        """PUT {offset_ms}: from now on the exchange's clock is ahead by it, or behind when it is negative."""
        fields = Fields(await json_body(request))
        offset_ms = fields.signed("offset_ms")
        fields.done()
        clock.set_offset(offset_ms)
        return web.json_response({"offset_ms": offset_ms})


def _narrowed(kind: str, fields: Fields) -> dict[str, Any]:
    """Read what only some kinds can be narrowed by or need; given for another kind, it is no field."""
    place = _PLACES[kind]
    if place in REQUESTS:
        method = fields.text("method", None)
        if method not in {None, *_METHODS}:
            raise FieldError("method", f"must be one of {', '.join(_METHODS)}")
        return {"method": method, "path": fields.text("path", None)}
    if place is Place.UPDATE:
        return {"event": fields.text("event", None)}
    return {"account_number": fields.text("account_number")} if kind == NEW_NUMBER else {}


def _chance(fields: Fields) -> float | None:
    chance = fields.number("chance", None, above_zero=True)
    if chance is not None and chance > 1:
        raise FieldError("chance", "must be a number above 0 and at most 1")
    return None if chance is None else float(chance)
