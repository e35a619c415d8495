"""Every refusal is called what it is: a wrong path, a wrong method, a bad sign-in and a bad order are four things."""

import pytest

from tests.support.serving import Caller

CASES = [
    # method, path, body, status, type, title
    ("GET", "/api/v1/nothing", None, 404, "not_found", "Not Found"),
    ("DELETE", "/api/v1/accounts", None, 405, "method_not_allowed", "Method Not Allowed"),
    ("POST", "/api/v1/auth/login", {"username": "admin"}, 422, "invalid_request", "understood"),
    ("GET", "/api/v1/orders/not-an-id", None, 422, "invalid_request", "understood"),
    ("POST", "/api/v1/orders", {}, 422, "invalid_order", "order cannot be accepted"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "kind", "words"), CASES)
def test_a_refusal_is_called_what_it_is(
    client: Caller, method: str, path: str, body: object, status: int, kind: str, words: str
) -> None:
    answer = client.call(method, path, json=body)
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status_code, problem["status"], problem["type"]) == (status, status, f"/problems/{kind}")
    assert words in problem["title"]
    assert (problem["instance"], len(problem["trace_id"])) == (path, 32)


def test_a_wrong_method_is_answered_with_the_right_ones(client: Caller) -> None:
    answer = client.call("DELETE", "/api/v1/accounts")
    assert (answer.headers["Allow"], "DELETE /api/v1/accounts" in answer.json()["detail"]) == ("GET", True)
