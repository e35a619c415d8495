"""What writes is answered within two seconds while the database stands still, and truly (UC-SYSTEM-002, R22)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api.cache import TtlCache
from api.main import create_app
from api.state import USER_S
from config.clock import SYSTEM_CLOCK
from services.instruments import store_listings
from services.users import create_first_admin
from tasks.context import Context
from tests.api.conftest import PASSWORD, SECRET, token_of
from tests.support.house import Bed
from tests.support.serving import Caller, serve
from tests.support.stopped import stopped

LIMIT_MS = 2000
CALLERS = 60  # more than there are threads, and many more than connections


@pytest.fixture
def ctx(quiet: Bed) -> Context:
    made = quiet.context()
    with made.database.unit() as unit:
        store_listings(unit, "alpaca", [("AAPL", "us_equity", "Apple", True, True)], made.clock.now())
        create_first_admin(unit, PASSWORD, now=made.clock.now(), ids=made.ids, origin=made.origin)
    return made


@pytest.fixture
def app(ctx: Context) -> FastAPI:
    return create_app(ctx.settings.model_copy(update={"jwt_secret": SecretStr(SECRET), "process": "api"}))


@pytest.fixture
def client(app: FastAPI) -> Iterator[Caller]:
    with serve(app, token_of(app)) as made:
        yield made


def place(client: Caller, ctx: Context, key: str) -> tuple[int, str, float]:
    """Return status, the problem's kind (or nothing) and the ms it took."""
    body = {"account": ctx.settings.accounts[0].name, "symbol": "AAPL", "side": "buy", "qty": "1"}
    began = SYSTEM_CLOCK.monotonic_ms()
    answer = client.post("/api/v1/orders", json=body | {"client_order_id": key})
    took_ms = SYSTEM_CLOCK.monotonic_ms() - began
    return answer.status_code, answer.json().get("type", "").rpartition("/")[2], took_ms


def keys(ctx: Context) -> list[str]:
    with ctx.database.statement() as unit:
        rows = unit.rows(
            "SELECT client_order_id FROM trading.orders JOIN trading.accounts a USING (account_id) "
            "WHERE a.name = %(n)s",
            {"n": ctx.settings.accounts[0].name},
        )
    return sorted(row.client_order_id for row in rows)


@pytest.mark.parametrize(
    ("is_known", "kind"), [(True, "outcome_unknown"), (False, "store_unavailable")], ids=["known", "to be looked up"]
)
def test_an_order_is_answered_in_time_and_stored_once(
    quiet: Bed, ctx: Context, app: FastAPI, client: Caller, *, is_known: bool, kind: str
) -> None:
    assert place(client, ctx, "before")[0] == 202
    if not is_known:
        app.state.opitios.users = TtlCache(SYSTEM_CLOCK, USER_S)
    with stopped(quiet.servers.pid("postgres") or 0):
        status, told, took_ms = place(client, ctx, "during")
    assert (status, told) == (503, kind)
    assert took_ms < LIMIT_MS
    assert place(client, ctx, "during")[0] in {202, 409}  # 409 while the first is still at work
    assert keys(ctx) == ["before", "during"]


def test_a_crowd_is_answered_in_time_and_nothing_is_stored_twice(quiet: Bed, ctx: Context, client: Caller) -> None:
    assert place(client, ctx, "before")[0] == 202
    names = [f"crowd-{number}" for number in range(CALLERS)]
    with ThreadPoolExecutor(CALLERS) as crowd, stopped(quiet.servers.pid("postgres") or 0):
        told = list(crowd.map(lambda name: place(client, ctx, name), names))
    assert {status for status, _, _ in told} == {503}
    assert max(took_ms for _, _, took_ms in told) < LIMIT_MS + 1000  # sixty callers share two cores with the server
    for name in names:
        assert place(client, ctx, name)[0] in {202, 409}
    assert set(keys(ctx)) <= {"before", *names}
    assert len(keys(ctx)) == len(set(keys(ctx)))
