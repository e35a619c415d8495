"""`login` and `order`: what a trader sees, and how a script can tell."""

import re

import pytest

from tests.cli.conftest import House
from tests.support.commands import Terminal
from tests.support.house import until

DEMO = ("--account", "demo-1")


@pytest.mark.requirement("CARD")
def test_the_three_printed_commands_work_as_they_stand(house: House) -> None:
    printed = [
        line.split() for line in house.first_start.out.splitlines() if re.search("main (login|order|report) ?", line)
    ]
    commands = [words[words.index("cli.main") + 1 :] for words in printed if "reset-password" not in words]
    login, order, report = commands

    signed_in = house.terminal.opitios_on_screen(*login, asked="Password of admin: ", typed=house.password)
    assert signed_in.code == 0
    assert "Signed in as admin" in signed_in.said
    assert house.password not in signed_in.said

    placed = house.terminal.opitios(*order)
    assert placed.code == 0
    assert "202 accepted" in placed.said
    assert "buy 10 AAPL on demo-1 (paper): filled, 10 filled at" in placed.said

    shown = house.terminal.opitios(*report)
    assert shown.code == 0
    assert "AAPL" in shown.out


@pytest.mark.requirement("TRD-001", "FR-005")
def test_an_order_is_shown_with_its_timeline_and_the_time_on_the_wire(desk: Terminal) -> None:
    order_id = _id_in(desk.opitios("order", "buy", "AAPL", "1", *DEMO, "--wait").said)

    shown = desk.opitios("order", "show", order_id)

    events = [re.split(r"\s*│\s*", line)[2:6] for line in shown.out.splitlines() if line.startswith("│")]
    assert [event[0] for event in events] == ["requested", "submitting", "accepted", "filled"]
    total_ms, network_ms = (float(number) for number in events[2][2:])
    assert 0 < network_ms < total_ms


def test_the_same_key_is_the_same_order(desk: Terminal) -> None:
    words = ("order", "buy", "AAPL", "1", *DEMO, "--key", "once")

    assert _id_in(desk.opitios(*words).said) == _id_in(desk.opitios(*words).said)


def test_another_order_under_a_used_key_is_refused(desk: Terminal) -> None:
    answer = desk.opitios("order", "buy", "AAPL", "11", *DEMO, "--key", "the-first")

    assert answer.refused("'the-first'", "choose a new key")


@pytest.mark.parametrize(
    ("words", "field", "value", "expected"),
    [
        (("AAPL", "0"), "qty", "0", "above 0"),
        (("AAPL", "ten"), "qty", "ten", "a decimal number"),
        (("AAPL", "1.1234567891"), "qty", "1.1234567891", "at most 9 decimals"),
        (("AAPL",), "qty", "missing", "notional"),
        (("AAPL", "1", "--trail", "1", "--limit", "2"), "limit_price", "2", "takes none"),
        (("ZZZZQ", "1"), "symbol", "ZZZZQ", "a symbol the broker lists"),
        (("AAPL", "1", "--limit", "0"), "limit_price", "0", "above 0"),
        (("AAPL", "1", "--time-in-force", "week"), "time_in_force", "week", "'day', 'gtc', 'ioc' or 'fok'"),
    ],
)
def test_a_refused_order_names_field_value_and_expectation(
    desk: Terminal, words: tuple[str, ...], field: str, value: str, expected: str
) -> None:
    answer = desk.opitios("order", "buy", *words, *DEMO)

    assert answer.refused(f"{field}: {value}; expected", expected, "trace id")


def test_an_unknown_account_is_answered_with_the_known_ones(desk: Terminal) -> None:
    answer = desk.opitios("order", "buy", "AAPL", "1", "--account", "nobodys")

    assert answer.refused("account: nobodys", "The accounts are: demo-1, demo-2")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("buy", "AAPL", "1"), "Missing option '--account'"),
        (("buy", "AAPL", "1", *DEMO, "--limit"), "requires an argument"),
        (("show", "nobodys"), "should be a valid UUID"),
    ],
)
def test_a_command_that_is_not_whole_says_what_is_missing(desk: Terminal, words: tuple[str, ...], message: str) -> None:
    assert desk.opitios("order", *words).refused(message, code=2)


def test_an_unknown_order_is_not_found(desk: Terminal) -> None:
    order_id = "01900000-0000-7000-8000-000000000000"

    assert desk.opitios("order", "show", order_id).refused(f"no order {order_id}")


def test_an_order_that_the_broker_rejects_ends_with_its_reason(desk: Terminal) -> None:
    answer = desk.opitios("order", "buy", "AAPL", "900000", *DEMO, "--wait")

    assert answer.refused("rejected, 0 filled", "insufficient_buying_power")


def test_an_order_that_does_not_end_in_time_says_how_to_look_again(desk: Terminal) -> None:
    answer = desk.opitios("order", "buy", "AAPL", "1", *DEMO, "--limit", "1", "--wait", "--timeout", "1")

    assert answer.refused("Not ended after 1 s", f"order show {_id_in(answer.said)}")


@pytest.mark.requirement("TRD-001")
def test_a_working_order_is_cancelled_by_its_id(desk: Terminal) -> None:
    order_id = _id_in(desk.opitios("order", "buy", "AAPL", "1", *DEMO, "--limit", "1").said)
    until(lambda: "accepted" in desk.opitios("order", "show", order_id).out)

    assert "202 asked" in desk.opitios("order", "cancel", order_id).said
    until(lambda: "canceled, 0 filled" in desk.opitios("order", "show", order_id).out)
    assert desk.opitios("order", "cancel", order_id).refused("it is canceled")


def test_all_orders_of_an_account_are_cancelled_at_once(desk: Terminal) -> None:
    ids = {_id_in(desk.opitios("order", "buy", "AAPL", "1", *DEMO, "--limit", "1").said) for _ in range(2)}

    asked = desk.opitios("order", "cancel", "--all", *DEMO)
    assert all(order_id in asked.said for order_id in ids)
    assert "orders are to end" in asked.said
    until(lambda: all("canceled" in desk.opitios("order", "show", order_id).out for order_id in ids))


@pytest.mark.requirement("TRD-001")
def test_orders_are_listed_newest_first(desk: Terminal) -> None:
    first, second = (_id_in(desk.opitios("order", "sell", "MSFT", "1", *DEMO, "--limit", "900").said) for _ in range(2))

    listed = desk.opitios("order", "list", *DEMO, "--symbol", "MSFT", "--limit", "2")

    rows = [line for line in listed.out.splitlines() if "MSFT" in line]
    assert [second in rows[0], first in rows[1], "paper" in rows[0], "limit day" in rows[0]] == [True] * 4
    assert "There are more" not in listed.out
    assert "There are more than these 1" in desk.opitios("order", "list", "--symbol", "MSFT", "--limit", "1").out
    assert desk.opitios("order", "list", "--account", "nobodys").refused("account: nobodys")


@pytest.mark.parametrize("words", [(), ("--all", "01900000-0000-7000-8000-000000000000")])
def test_a_cancel_says_which_order_or_all(desk: Terminal, words: tuple[str, ...]) -> None:
    assert desk.opitios("order", "cancel", *words).refused("an order's id or --all", code=2)


@pytest.mark.parametrize(
    ("text", "message"),
    [("\n", "it is empty"), ("wrong\n", "Name or password is wrong")],
)
def test_signing_in_without_the_password_fails(house: House, text: str, message: str) -> None:
    answer = house.terminal.opitios("login", "--password-stdin", text=text)

    assert answer.code != 0
    assert message in answer.said


def test_without_a_terminal_the_password_is_not_asked_for(house: House) -> None:
    assert house.terminal.opitios("login").refused("no terminal to ask at", "--password-stdin", code=2)


def _id_in(said: str) -> str:
    found = re.search(r"order ([0-9a-f-]{36})", said)
    assert found is not None, said
    return found[1]
