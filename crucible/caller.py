"""Careful callers: each copy of a wish is sent until the API has stored it, under the same key, whatever breaks."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp

from config.clock import SYSTEM_CLOCK
from crucible.plan import CANCEL, REPLACE, Plan, Wish, one_more
from crucible.record import Asked

_ORDERS = "/api/v1/orders"
_ANSWER_S = 6
_GIVES_UP_S = 90
_PAUSE_S = (0.1, 1.0)
_NOT_YET, _IN_FLIGHT = "not_replaceable", "idempotency_key_in_flight"
_REPLACE_TRIES = 8
_BETWEEN_MORE_S = 0.25


@dataclass(frozen=True, slots=True)
class _Call:
    """One request, whichever API it goes to; `is_patient`: a 409 is asked again too."""

    method: str
    path: str
    body: dict[str, str] | None = None
    key: str = ""
    is_patient: bool = True

    @property
    def headers(self) -> dict[str, str]:
        return {"Idempotency-Key": self.key} if self.key else {}


@dataclass
class Callers:
    """Sends a plan's wishes to several APIs and remembers what it was told; `settled` counts wishes that were."""

    urls: Sequence[str]
    token: str
    on_settled: Callable[[], None] = lambda: None
    asked: dict[str, Asked] = field(default_factory=dict)
    requests: int = 0
    _session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {self.token}"}
        timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(headers=headers, timeout=timeout, connector=connector, trust_env=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def load(self, plan: Plan) -> None:
        """Send every wish at its moment and wait until all are settled or given up."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.TaskGroup() as sending:  # which ends them all when the run is interrupted
            for wish in plan.wishes:
                await asyncio.sleep(began + wish.at * plan.load_s - loop.time())
                sending.create_task(self.send(wish))

    async def go_on(self, plan: Plan, until: "asyncio.Future[None]") -> None:
        """Send one wish more after the other until then: a fault strikes only where there is traffic."""
        number = 0
        while not until.done():
            await asyncio.sleep(_BETWEEN_MORE_S)
            await self.send(one_more(plan.seed, number))
            number += 1

    async def send(self, wish: Wish) -> None:
        """Send all copies of a wish, then what is to become of its order."""
        first = Asked(wish.number, wish.key, wish.account, dict(wish.terms), ends_by_itself=not wish.then)
        record = self.asked.setdefault(wish.key, first)
        body = {"account": wish.account, **wish.terms}
        await asyncio.gather(*(self._copy(record, body, copy.api, copy.after_s) for copy in wish.copies))
        self.on_settled()
        if record.order_ids and wish.then:
            await asyncio.sleep(wish.then_after_s)
            if wish.then == REPLACE:
                await self._replace(record, wish)
            if wish.then in {CANCEL, REPLACE}:
                await self._cancel(record)

    async def cancel_all(self) -> None:
        """Ask for the end of every order that is still open."""
        record = Asked(0, "the end", "", {})
        await self._insist(record, _Call("DELETE", _ORDERS))

    async def _copy(self, record: Asked, body: dict[str, str], api: int, after_s: float) -> None:
        await asyncio.sleep(after_s)
        status, answer = await self._insist(record, _Call("POST", _ORDERS, body, record.key), api)
        _remember(record, status, answer)

    async def _replace(self, first: Asked, wish: Wish) -> None:
        """Replace the wish's order by one with another limit; its key and record are its own."""
        key, body = f"{wish.key}-replaced", {"limit_price": wish.new_limit_price}
        call = _Call("PATCH", f"{_ORDERS}/{first.order_ids[0]}", body, key, is_patient=False)
        terms = {**wish.terms, "limit_price": wish.new_limit_price}
        made = Asked(wish.number, key, wish.account, terms, replaces=first.order_ids[0], ends_by_itself=False)
        record = self.asked.setdefault(key, made)
        for _ in range(_REPLACE_TRIES):
            status, answer = await self._insist(record, call)
            if str(answer.get("code")) != _NOT_YET:
                break
            await asyncio.sleep(1)
        _remember(record, status, answer)
        if record.order_ids:
            await asyncio.sleep(wish.then_after_s)
            await self._cancel(record)

    async def _cancel(self, record: Asked) -> None:
        await self._insist(record, _Call("DELETE", f"{_ORDERS}/{record.order_ids[0]}", is_patient=False))

    async def _insist(self, record: Asked, call: _Call, api: int = 0) -> tuple[int, dict[str, Any]]:
        """Ask one API after the other until one answers; (0, {}) when none did in time.

        A broken connection, a timeout and any 5xx are asked again: the same key, never another order.
        """
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + _GIVES_UP_S, _PAUSE_S[0]
        while loop.time() < deadline:
            status, answer = await self._once(self.urls[api % len(self.urls)], call)
            record.say(f"{call.method} api{api % len(self.urls) + 1}: {status or answer['broken']}")
            if _is_final(status, answer, call):
                return status, answer
            await asyncio.sleep(pause)
            api, pause = api + 1, min(pause * 2, _PAUSE_S[1])
        return 0, {}

    async def _once(self, url: str, call: _Call) -> tuple[int, dict[str, Any]]:
        if self._session is None:
            raise RuntimeError("callers send within their block alone")
        self.requests += 1
        try:
            request = self._session.request(call.method, url + call.path, json=call.body, headers=call.headers)
            async with request as answer:
                return answer.status, _object(await answer.text())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return 0, {"broken": type(error).__name__}


def _is_final(status: int, answer: dict[str, Any], call: _Call) -> bool:
    """Return whether this is the answer, and not a reason to ask again."""
    if not status or status >= 500 or status == 429:  # noqa: PLR2004  classes of HTTP
        return False
    return status != 409 or not (call.is_patient or answer.get("code") == _IN_FLIGHT)  # noqa: PLR2004  Conflict


def _object(content: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _remember(record: Asked, status: int, answer: dict[str, Any]) -> None:
    if status == 202:  # noqa: PLR2004  Accepted
        order_id = str(answer["order_id"])
        if order_id not in record.order_ids:
            record.order_ids.append(order_id)
        if record.acknowledged_at is None:
            record.acknowledged_at = SYSTEM_CLOCK.now().isoformat()
    elif status:
        record.refused = f"{status} {answer.get('code', '')}".strip()
