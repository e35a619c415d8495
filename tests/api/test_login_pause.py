"""Guessing passwords is slow: five wrong ones for a name, then a pause that is bounded and tells nothing."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from pydantic import SecretStr

from api.main import create_app
from tests.api.conftest import PASSWORD, SECRET, token_of
from tests.support.desk import Desk
from tests.support.serving import Caller, serve

LOGIN = "/api/v1/auth/login"


@pytest.fixture(autouse=True)
def nothing_counted(desk: Desk) -> Iterator[None]:
    desk.sql.execute("UPDATE trading.login_attempts SET attempts = 0")
    yield
    desk.sql.execute("UPDATE trading.login_attempts SET attempts = 0")


def sign_in(client: Caller, name: str = "admin", password: str = PASSWORD) -> requests.Response:
    return client.post(LOGIN, json={"username": name, "password": password})


def fail(client: Caller, name: str = "admin", times: int = 5) -> list[int]:
    return [sign_in(client, name, f"wrong {number}").status_code for number in range(times)]


def time_passes(desk: Desk, seconds: int) -> None:
    desk.sql.execute("UPDATE trading.login_attempts SET forget_at = forget_at - %s", (dt.timedelta(seconds=seconds),))


@pytest.mark.parametrize("name", ["admin", "nobody-has-this-name"])
def test_after_five_wrong_passwords_the_name_has_to_wait(desk: Desk, client: Caller, name: str) -> None:
    assert fail(client, name) == [401] * 5
    answer = sign_in(client, name)
    assert (answer.status_code, answer.json()["type"]) == (429, "/problems/too_many_attempts")
    assert 55 <= int(answer.headers["Retry-After"]) <= 60
    assert sign_in(client, f"{name}-2", "wrong").status_code == 401  # others need not wait
    row = desk.sql.execute(
        "SELECT success, reason_code FROM audit.operations WHERE operation = 'login' AND trace_id = %s",
        (answer.json()["trace_id"],),
    ).fetchone()
    assert row == {"success": False, "reason_code": "too_many_attempts"}


def test_after_the_pause_the_right_password_works_and_takes_the_count_back(desk: Desk, client: Caller) -> None:
    fail(client)
    time_passes(desk, 61)
    assert fail(client, times=4) == [401] * 4
    assert sign_in(client).status_code == 200
    assert fail(client) == [401] * 5


def test_a_pause_is_not_made_longer_by_who_goes_on_guessing(desk: Desk, client: Caller) -> None:
    fail(client)
    time_passes(desk, 50)
    assert fail(client, times=8) == [429] * 8
    assert int(sign_in(client).headers["Retry-After"]) <= 10
    time_passes(desk, 10)
    assert sign_in(client).status_code == 200


def test_wrong_passwords_of_more_than_a_minute_ago_do_not_count(desk: Desk, client: Caller) -> None:
    assert fail(client, times=4) == [401] * 4
    time_passes(desk, 61)
    assert fail(client, times=4) == [401] * 4
    assert sign_in(client).status_code == 200


def test_guesses_at_the_same_time_are_counted_one_by_one_in_every_process(desk: Desk, client: Caller) -> None:
    app = create_app(desk.ctx.settings.model_copy(update={"jwt_secret": SecretStr(SECRET)}))
    with serve(app, token_of(app)) as other, ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda number: fail((client, other)[number % 2], times=1)[0], range(12))
        assert Counter(answers) == {401: 5, 429: 7}
        assert sign_in(other).status_code == 429


def test_who_is_signed_in_stays_so_during_a_pause(client: Caller) -> None:
    fail(client)
    assert client.get("/api/v1/accounts").status_code == 200


def test_an_unknown_name_costs_the_time_of_a_wrong_password(client: Caller) -> None:
    known = min(sign_in(client, "admin", "wrong").elapsed for _ in range(4))
    unknown = min(sign_in(client, f"nobody-{number}", "wrong").elapsed for number in range(4))
    assert known / 2 < unknown < known * 2
