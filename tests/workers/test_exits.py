"""Exits never wait behind entries: they have a worker of their own (R25)."""

from tests.support.house import House, until

THREADS = 8


def test_buying_a_short_option_back_is_an_exit_from_its_first_hint_on(running: House) -> None:
    running.ended(running.placed(running.account()))  # the entries are idle: a hint to them would be taken at once
    terms = {"symbol": "AAPL280121C00150000", "qty": "1", "position_intent": "buy_to_close"}
    order = running.ended(running.placed(running.account(), **terms))
    assert order["order_id"] in _log(running, "worker-exits")
    assert order["order_id"] not in _log(running, "worker-entries")


def test_hung_entries_that_fill_their_worker_do_not_delay_a_sell_of_another_account(running: House) -> None:
    silent, trading = running.account(), running.account()
    running.ended(running.placed(trading, qty="3"))
    fault = running.exchange.add_fault("hang", account=silent, method="POST", path="/v2/orders", times=None)
    entries = [running.placed(silent, type="limit", limit_price="100") for _ in range(THREADS)]
    until(lambda: _fired(running, fault) >= THREADS, 4)

    sell = running.placed(trading, side="sell", qty="3")
    until(lambda: running.order(sell)["status"] in {"accepted", "filled"}, 2)
    waiting = [running.order(href)["status"] for href in entries]

    running.exchange.remove_faults()
    assert waiting == ["submitting"] * THREADS, "the entries were not hanging while the sell was placed"
    assert sell.rpartition("/")[2] in _log(running, "worker-exits")


def _log(house: House, process: str) -> str:
    return (house.servers.home.logs / "app" / f"{process}.log").read_text(encoding="utf-8")


def _fired(running: House, fault: str) -> int:
    return next(int(entry["fired"]) for entry in running.exchange.faults() if entry["id"] == fault)
