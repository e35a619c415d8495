"""`opitios admin users` and `accounts`: the password each time, no token kept, and no password in an argument."""

import json
import re
from pathlib import Path
from uuid import UUID

import pytest

from tests.cli.conftest import House
from tests.support.commands import Answer, Terminal


@pytest.fixture(scope="module")
def anna(house: House) -> str:
    """A trader whom an admin has just added; give her password."""
    added = admin(house, "users", "add", "anna", "trader")
    assert added.code == 0, added.said
    assert "User anna: trader, enabled" in added.said
    return password_in(added)


def admin(house: House, *words: str, password: str | None = None) -> Answer:
    """Run an admin command with the admin's password on stdin."""
    return house.terminal.opitios("admin", *words, text=f"{house.password if password is None else password}\n")


def sign_in(house: House, name: str, password: str) -> Answer:
    return house.terminal.opitios("login", "--username", name, "--password-stdin", text=f"{password}\n")


def password_in(answer: Answer) -> str:
    found = re.search(r"assword of \S+: (\S+)", answer.out)
    assert found is not None, answer.said
    return found[1]


def test_a_user_is_added_and_signs_in_with_the_printed_password(house: House, anna: str) -> None:
    assert "Signed in as anna (trader)" in sign_in(house, "anna", anna).said
    assert house.log_in().code == 0
    listed = admin(house, "users", "list").said
    assert re.search(r"anna trader enabled", listed)
    assert admin(house, "users", "add", "anna", "trader").refused("This name is taken (409)")


def test_a_user_is_switched_off_and_on_and_given_another_role(house: House, anna: str) -> None:
    assert "User anna: trader, disabled" in admin(house, "users", "disable", "anna").said
    assert sign_in(house, "anna", anna).refused("Name or password is wrong")
    assert "User anna: trader, enabled" in admin(house, "users", "enable", "anna").said
    assert "User anna: compliance, enabled" in admin(house, "users", "role", "anna", "compliance").said
    assert admin(house, "users", "role", "anna", "owner").refused("role: owner; expected")


def test_a_new_password_takes_the_place_of_the_old_one(house: House, anna: str) -> None:
    new = password_in(admin(house, "users", "reset-password", "anna"))
    assert sign_in(house, "anna", anna).refused("Name or password is wrong")
    assert sign_in(house, "anna", new).code == 0
    assert "Their sessions end within seconds" in admin(house, "users", "sessions", "end", "anna").said
    assert house.log_in().code == 0


@pytest.mark.parametrize("words", [("disable", "admin"), ("role", "admin", "trader")])
def test_the_last_admin_stays(house: House, words: tuple[str, ...]) -> None:
    assert admin(house, "users", *words).refused("The last admin stays (409)", "make another one first")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("users", "disable", "nobody"), "no user 'nobody'"),
        (("users", "disable", "two words"), "username: two words; expected"),
        (("users", "disable", "../accounts"), "no such path"),
        (("accounts", "disable", "nobody"), "no account 'nobody'"),
        (("accounts", "confirm", "nobody"), "No account 'nobody'; the accounts are: demo-1, demo-2"),
        (("accounts", "confirm", "demo-1"), "The account number has not changed (409)"),
        (("accounts", "history", "nobody"), "no account 'nobody'"),
        (("orders", "resolve", str(UUID(int=1)), "ended", "--note", "gone"), f"no order {UUID(int=1)}"),
        (("orders", "resolve", str(UUID(int=1)), "forget", "--note", "x"), "decision: forget; expected"),
    ],
)
def test_what_cannot_be_done_is_said(house: House, words: tuple[str, ...], said: str) -> None:
    assert admin(house, *words).refused(said)


def test_accounts_are_listed_switched_and_remembered(house: House) -> None:
    assert "entries: switched off by admin" in admin(house, "accounts", "disable", "demo-2").said
    assert re.search(
        r"demo-2 alpaca paper detected PA\w+ PA\w+ switched off by admin", admin(house, "accounts", "list").said
    )
    assert "entries: taken" in admin(house, "accounts", "enable", "demo-2").said
    assert re.search(r"paper detected PA\w+ paper fallback", admin(house, "accounts", "history", "demo-2").said)


def test_the_password_is_asked_for_every_time_and_no_token_is_kept(house: House) -> None:
    assert house.log_in().code == 0
    kept = Path(house.terminal.home.session).read_text(encoding="utf-8")
    assert admin(house, "users", "list").code == 0
    assert Path(house.terminal.home.session).read_text(encoding="utf-8") == kept
    token = json.loads(kept)["token"]
    for answer in (admin(house, "users", "list", password="wrong"), admin(house, "users", "list", password="")):
        assert answer.code != 0
        assert token not in answer.said
    assert admin(house, "users", "list", password="wrong").refused("Name or password of admin is wrong")
    assert admin(house, "users", "list", password="").refused("it is empty", code=2)


def test_at_a_terminal_the_password_is_typed_and_not_shown(house: House) -> None:
    shown = house.terminal.opitios_on_screen(
        "admin", "users", "list", asked="Password of admin: ", typed=house.password
    )
    assert shown.code == 0, shown.out
    assert "enabled" in shown.out
    assert house.password not in shown.out


def test_who_is_no_admin_is_refused(house: House) -> None:
    password = password_in(admin(house, "users", "add", "otto", "operator"))
    answer = admin(house, "users", "list", "--as", "otto", password=password)
    assert answer.refused("Not allowed for this role (403)")


def test_alerts_are_listed_for_who_has_signed_in(desk: Terminal) -> None:
    answer = desk.opitios("alerts")
    assert answer.code == 0
    # a slow machine may miss a read, and nobody may keep its clock
    assert re.search(r"No open alerts|account_type_unread|clock_unsynchronized", answer.said)


@pytest.mark.parametrize("words", [("users", "list"), ("accounts", "list")], ids=" ".join)
def test_before_the_first_start_an_admin_command_says_what_is_missing(
    stranger: Terminal, words: tuple[str, ...]
) -> None:
    assert stranger.opitios("admin", *words, text="a password\n").refused("Start it with: make run")


def test_without_a_quarantined_order_nothing_waits_for_a_decision(house: House) -> None:
    assert "No order waits for a decision." in admin(house, "orders", "quarantined").said


def test_an_event_of_an_order_is_corrected_by_its_number(house: House) -> None:
    assert house.log_in().code == 0
    words = ("order", "buy", "AAPL", "1", "--account", "demo-1", "--limit", "1", "--key", "to-be-corrected")
    bought = house.terminal.opitios(*words)
    order_id = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", bought.said)
    assert order_id is not None, bought.said
    which = ("--order", order_id[0], "--reason", "restated")
    told = admin(house, "correct", *which, "--seq", "1", "--value", "qty=2")
    assert re.search(rf"Corrected: order_id {order_id[0]}, seq [2-9]", told.said), told.said
    assert admin(house, "correct", *which, "--seq", "99").refused("seq", "has no event 99")
    assert admin(house, "correct", *which).refused("seq: missing; expected the number of an event, with order_id")
    assert "NAME=VALUE" in admin(house, "correct", *which, "--value", "nothing").said
