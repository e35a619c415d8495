"""What can go wrong on a trade_updates stream: to add a kind, write one small function below.

A kind of frames is a coroutine over a `Sending`; what it sends is what the client sees. It runs when the frame's turn
has come, so what was queued before it has left in full. The other kinds refuse a connection, or change it as it opens.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from exchange.faults import Fault, Faults, Moment, Place
from exchange.line import Line
from exchange.unknown_words import UNKNOWN_EVENT, UNKNOWN_FIELDS, UNKNOWN_STATUS

_UPDATES = "trade_updates"
_ANY_FRAME = frozenset({Place.FRAME})
_AN_UPDATE = frozenset({Place.FRAME, Place.UPDATE})


@dataclass(frozen=True, slots=True)
class Sending:
    """One frame that a fault has hit on its way out."""

    frame: bytes
    line: Line
    fault: Fault

    async def send_changed(self, change: Callable[[dict[str, Any]], Any]) -> None:
        """Send the frame with its `data` changed."""
        message = json.loads(self.frame)
        change(message["data"])
        await self.line.send(json.dumps(message, separators=(",", ":")).encode())


Behaviour = Callable[[Sending], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class StreamKind:
    """A named behaviour and where it strikes; without one the stream's route knows what to do."""

    place: Place
    behave: Behaviour | None = None


REFUSALS = {"stream_refused_403": 403, "stream_refused_429": 429}
"""Answers to the handshake."""
RESET, LIMIT, NEW_NUMBER = "stream_refused_reset", "stream_limit", "stream_new_number"

STREAM_KINDS: dict[str, StreamKind] = {
    **dict.fromkeys((*REFUSALS, RESET), StreamKind(Place.HANDSHAKE)),
    **dict.fromkeys((LIMIT, NEW_NUMBER), StreamKind(Place.KEYS)),
}


async def carry(frame: bytes, line: Line, faults: Faults) -> None:
    """Send a frame, or do to it what the fault that strikes does; one held back follows the next."""
    if line.muted_by is not None and not line.muted_by.is_removed:
        return
    held, line.held = line.held, None
    fault = faults.take(_moment(frame, line)) if faults and held is None else None
    if fault is None:
        await line.send(frame)
    elif (behave := STREAM_KINDS[fault.kind].behave) is not None:
        await behave(Sending(frame, line, fault))
    if held is not None:
        await line.send(held)


def _moment(frame: bytes, line: Line) -> Moment:
    message = json.loads(frame)
    if message["stream"] == _UPDATES:
        return Moment(_AN_UPDATE, line.account, event=message["data"]["event"])
    return Moment(_ANY_FRAME, line.account)


def _kind(name: str, place: Place = Place.UPDATE) -> Callable[[Behaviour], Behaviour]:
    def register(behave: Behaviour) -> Behaviour:
        STREAM_KINDS[name] = StreamKind(place, behave)
        return behave

    return register


@_kind("stream_duplicate")
async def _duplicate(sending: Sending) -> None:
    await sending.line.send(sending.frame)
    await sending.line.send(sending.frame)


@_kind("stream_reorder")
async def _reorder(sending: Sending) -> None:
    """Keep the frame until the next one has gone."""
    sending.line.held = sending.frame


@_kind("stream_drop")
async def _drop(sending: Sending) -> None:
    """Say nothing of it."""


@_kind("stream_delay")
async def _delay(sending: Sending) -> None:
    """Be late with it and, as on any stream, with all behind it."""
    await asyncio.sleep((sending.fault.delay_ms or 0) / 1000)
    await sending.line.send(sending.frame)


@_kind("stream_mute", Place.FRAME)
async def _mute(sending: Sending) -> None:
    """Say nothing any more: the connection stays, pings are answered, and what is not said is not said later."""
    sending.line.muted_by = sending.fault


@_kind("stream_cut")
async def _cut(sending: Sending) -> None:
    sending.line.reset()


@_kind("stream_half_frame")
async def _half_frame(sending: Sending) -> None:
    """Announce the whole frame, send half of it, and end the connection."""
    sending.line.send_half(sending.frame)


@_kind("stream_unreadable")
async def _unreadable(sending: Sending) -> None:
    """Send a whole frame that is not JSON: its first half."""
    await sending.line.send(sending.frame[: len(sending.frame) // 2])


@_kind("stream_no_data")
async def _no_data(sending: Sending) -> None:
    """Say that something happened, and not what: Alpaca has (https://github.com/alpacahq/Alpaca-API/issues/110)."""
    await sending.line.send(json.dumps({"stream": _UPDATES, "data": None}).encode())


@_kind("stream_unknown_event")
async def _unknown_event(sending: Sending) -> None:
    await sending.send_changed(lambda update: update.update(event=UNKNOWN_EVENT))


@_kind("stream_unknown_status")
async def _unknown_status(sending: Sending) -> None:
    await sending.send_changed(lambda update: update["order"].update(status=UNKNOWN_STATUS))


@_kind("stream_unknown_field")
async def _unknown_field(sending: Sending) -> None:
    def add(update: dict[str, Any]) -> None:
        for each in (update["order"], update):
            each.update(UNKNOWN_FIELDS)

    await sending.send_changed(add)
