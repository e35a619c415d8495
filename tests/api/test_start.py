"""What an API does not start without, and what it says while nobody has read the broker yet."""

import subprocess
import sys
from pathlib import Path

from fastapi import FastAPI

from services.instruments import store_listings
from services.process_record import STARTED, STOPPED
from tests.api.conftest import token_of
from tests.support.commands import ROOT
from tests.support.desk import Desk
from tests.support.serving import serve


def test_an_api_without_a_key_to_sign_tokens_with_says_so_and_ends(tmp_path: Path) -> None:
    environ = {"OPITIOS_HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "OPITIOS_JWT_SECRET": ""}
    ended = subprocess.run(
        [sys.executable, "-m", "api"],
        check=False,
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert ended.returncode == 1
    assert ended.stderr == "api: nothing to sign tokens with: set OPITIOS_JWT_SECRET, at least 32 characters\n"


def test_a_list_that_nobody_has_read_refuses_no_symbol(desk: Desk, app: FastAPI) -> None:
    desk.sql.execute("TRUNCATE trading.instruments")
    body = {"account": desk.account, "symbol": "AAPL", "side": "buy", "qty": "1"}
    with serve(app, token_of(app)) as client:
        early = client.post("/api/v1/orders", json=body, headers={"Idempotency-Key": "early"})
        assert (early.status_code, early.headers["Retry-After"]) == (503, "1")
        assert early.json()["type"] == "/problems/instruments_not_read"
        with desk.ctx.database.unit() as unit:
            store_listings(unit, "alpaca", [("AAPL", "us_equity", "Apple", True, True)], desk.ctx.clock.now())
        again = client.post("/api/v1/orders", json=body, headers={"Idempotency-Key": "early"})
        assert again.status_code == 202


def test_an_api_that_has_told_its_start_tells_its_stop(desk: Desk, app: FastAPI) -> None:
    state = app.state.opitios
    state.tell(STARTED)
    state.has_told_start = True
    with serve(app, token_of(app)):
        pass
    rows = desk.sql.execute(
        "SELECT operation FROM audit.operations WHERE process = %s AND operation IN (%s, %s) ORDER BY recorded_at",
        (state.origin("").process, STARTED, STOPPED),
    ).fetchall()
    assert [row["operation"] for row in rows] == [STARTED, STOPPED]


def test_a_house_whose_accounts_nobody_has_read_is_not_healthy(desk: Desk, app: FastAPI) -> None:
    desk.sql.execute("UPDATE trading.accounts SET broker = 'without streams'")  # nobody follows any here
    with serve(app, token_of(app)) as client:
        assert client.get("/health").json()["status"] == "healthy"
        desk.sql.execute("UPDATE trading.accounts SET enabled = false")
        assert client.get("/health").json()["status"] == "degraded"
