"""A quarantined order has an alert, a place in health, and a way out by an operator's word (R11, R12, R18)."""

import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests

from models.users import Role
from tasks.placing import place_order
from tasks.reconcile_account import reconcile_account
from tasks.settling import settle_order
from tests.api.conftest import token_for
from tests.support.desk import Desk
from tests.support.serving import Caller


@pytest.fixture
def order_id(desk: Desk) -> Iterator[uuid.UUID]:
    """An order under whose id the broker has another one: three shares where we meant two."""
    desk.exchange.add_fault("drop_before", account=desk.account, method="POST", times=1)
    made = desk.request(qty="2", limit="100")
    place_order(desk.ctx, made)
    place_outside(desk, made, qty="3", limit_price="90")
    desk.expire_waits(made)
    settle_order(desk.ctx, made)
    assert desk.status(made) == "quarantined"
    yield made
    # the tests that share the database ask whether nothing is wrong
    desk.sql.execute("UPDATE trading.notifications SET resolved_at = now() WHERE subject = %s", (str(made),))


def place_outside(desk: Desk, order_id: uuid.UUID, **terms: str) -> None:
    """Place an order past the house under the id of one of ours."""
    (account,) = desk.ctx.settings.accounts
    keys = {
        "APCA-API-KEY-ID": account.api_key.get_secret_value(),
        "APCA-API-SECRET-KEY": account.secret_key.get_secret_value(),
    }
    ours = desk.row(order_id)["broker_client_id"]
    body = {"symbol": "AAPL", "side": "buy", "type": "limit", "time_in_force": "day", "client_order_id": ours} | terms
    assert requests.post(f"{account.base_url}/v2/orders", json=body, headers=keys, timeout=5).ok


def resolve(client: Caller, order_id: uuid.UUID, decision: str, **options: Any) -> requests.Response:
    body = {"decision": decision, "note": "seen on the broker's page"}
    return client.post(f"/api/v1/admin/orders/{order_id}/resolve", json=body, **options)


def resolved(client: Caller, order_id: uuid.UUID, decision: str) -> str:
    answer = resolve(client, order_id, decision)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["status"])


def alerts(desk: Desk, order_id: uuid.UUID) -> list[dict[str, Any]]:
    return desk.sql.execute(
        "SELECT * FROM trading.notifications WHERE subject = %s AND resolved_at IS NULL", (str(order_id),)
    ).fetchall()


def test_a_quarantined_order_has_an_alert_that_names_the_difference_and_counts_in_health(
    desk: Desk, client: Caller, order_id: uuid.UUID
) -> None:
    (alert,) = alerts(desk, order_id)
    assert (alert["kind"], alert["severity"]) == ("order_quarantined", "critical")
    assert "buy 3 AAPL" in alert["message"]
    assert f"opitios admin orders resolve {order_id}" in alert["message"]
    assert client.get("/health").json()["parts"]["orders"]["quarantined"] >= 1
    assert reconcile_account(desk.ctx, desk.account_id)
    assert desk.status(order_id) == "quarantined"
    assert [alert["times"] for alert in alerts(desk, order_id)] == [2]


def test_a_look_again_that_finds_the_same_is_quarantined_again(desk: Desk, client: Caller, order_id: uuid.UUID) -> None:
    assert resolved(client, order_id, "look_again") == "unknown"
    assert desk.row(order_id)["reserved"] == 200
    settle_order(desk.ctx, order_id)
    assert desk.status(order_id) == "quarantined"
    assert desk.events(order_id)[-2:] == ["resolved", "quarantined"]
    assert len(alerts(desk, order_id)) == 1


def test_an_adopted_order_is_ours_with_the_brokers_terms(desk: Desk, client: Caller, order_id: uuid.UUID) -> None:
    assert resolved(client, order_id, "adopt") == "unknown"
    settle_order(desk.ctx, order_id)
    row = desk.row(order_id)
    assert (row["status"], row["qty"], row["limit_price"], row["reserved"]) == ("accepted", 3, 90, 270)
    assert row["broker_order_id"] is not None
    assert desk.events(order_id)[-3:] == ["resolved", "resolved", "accepted"]
    assert not alerts(desk, order_id)


@pytest.mark.parametrize(("decision", "status"), [("not_ours", "rejected"), ("ended", "canceled")])
def test_an_order_that_ends_frees_its_money_by_later_balances(
    desk: Desk, client: Caller, order_id: uuid.UUID, decision: str, status: str
) -> None:
    assert resolved(client, order_id, decision) == status
    row = desk.row(order_id)
    assert (row["status"], row["reserved"], row["spent"]) == (status, 0, Decimal(200))
    assert (row["reason_code"], row["reason"]) == (decision, "seen on the broker's page")
    assert not alerts(desk, order_id)
    assert reconcile_account(desk.ctx, desk.account_id)
    assert desk.row(order_id)["spent"] == 0
    assert desk.events(order_id)[-1] == status


def test_every_decision_is_on_record_with_who_before_and_after(desk: Desk, client: Caller, order_id: uuid.UUID) -> None:
    resolved(client, order_id, "ended")
    row = desk.sql.execute(
        "SELECT * FROM audit.order_events WHERE order_id = %s AND event_type = 'resolved'", (order_id,)
    ).fetchone()
    assert row is not None
    assert (row["actor"], row["reason"], row["reason_code"]) == ("admin", "seen on the broker's page", "ended")
    assert (row["detail"]["before"]["status"], row["detail"]["after"]) == ("quarantined", "canceled")
    assert row["total_ms"] > 0


def test_an_order_that_waits_for_no_decision_is_left_as_it_is(desk: Desk, client: Caller) -> None:
    order_id = desk.request(limit="1")
    answer = resolve(client, order_id, "ended")
    assert (answer.status_code, answer.json()["title"]) == (409, "The order waits for no decision")
    assert "is requested" in answer.json()["detail"]
    assert desk.status(order_id) == "requested"
    assert resolve(client, uuid.UUID(int=1), "ended").status_code == 404


def test_an_operator_decides_and_a_trader_does_not(desk: Desk, client: Caller, order_id: uuid.UUID) -> None:
    assert resolve(client, order_id, "ended", headers=token_for(desk, Role.TRADER)).status_code == 403
    stale = resolve(client, order_id, "ended", headers=token_for(desk, Role.OPERATOR, age_s=600))
    assert "sign-in of the last 5 minutes" in stale.json()["detail"]
    assert desk.status(order_id) == "quarantined"
    assert resolve(client, order_id, "ended", headers=token_for(desk, Role.OPERATOR)).status_code == 200


@pytest.mark.parametrize(
    "body", [{"decision": "forget", "note": "x"}, {"decision": "ended", "note": " "}, {"decision": "ended"}]
)
def test_a_decision_needs_a_known_word_and_a_reason(client: Caller, body: dict[str, str]) -> None:
    assert client.post(f"/api/v1/admin/orders/{uuid.UUID(int=1)}/resolve", json=body).status_code == 422
