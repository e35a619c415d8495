"""Seals and their verification through the API: for compliance and admins, in a process of its own."""

import pytest

from tests.support.house import House, until


def sealed(running: House) -> list[dict[str, object]]:
    seals: list[dict[str, object]] = running.call("GET", "/api/v1/audit/seals").json()["seals"]
    return seals


@pytest.mark.requirement("TRD-001")
def test_the_running_house_is_sealed_and_says_that_it_holds(running: House) -> None:
    href = running.placed(running.account())
    running.ended(href)
    newest = until(lambda: [seal for seal in sealed(running) if seal["row_count"]], 40)[0]
    day = str(newest["sealed_at"])[:10]

    answer = running.call("POST", f"/api/v1/audit/verify?from={day}&to={day}")

    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["holds"], found
    assert found["rows"] > 0
    assert found["keys"] == [newest["key_id"]]
    assert found["checkpoints"] >= found["last_seal"] - 1
    assert running.call("GET", "/health").json()["parts"]["sealing"]["last_seal_no"] >= 1


def test_pages_of_seals_go_on_where_the_last_ended(running: House) -> None:
    until(lambda: len(sealed(running)) > 1, 40)
    first = running.call("GET", "/api/v1/audit/seals?limit=1").json()
    second = running.call("GET", f"/api/v1/audit/seals?limit=1&cursor={first['next_cursor']}").json()

    assert second["seals"][0]["seal_no"] == first["seals"][0]["seal_no"] - 1
    assert first["seals"][0]["previous_hash"] == second["seals"][0]["hash"]


@pytest.mark.parametrize("query", ["", "?from=2026-11-21", "?from=2026-11-21&to=x", "?from=2026-11-22&to=2026-11-21"])
def test_days_that_are_none_are_refused_in_words(running: House, query: str) -> None:
    answer = running.call("POST", f"/api/v1/audit/verify{query}")

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid_request")


def test_nobody_without_a_sign_in_sees_them(running: House) -> None:
    for method, path in (("GET", "seals"), ("POST", "verify?from=2026-11-21&to=2026-11-21")):
        answer = running.call(method, f"/api/v1/audit/{path}", headers={"Authorization": "none"})
        assert answer.status_code == 401
