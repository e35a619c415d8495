"""Exits never wait behind entries: they have a worker of their own (R25)."""

from tests.support.house import House, until

THREADS = 8


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
    log = (running.servers.home.logs / "app" / "worker-exits.log").read_text(encoding="utf-8")
    assert sell.rpartition("/")[2] in log


def _fired(running: House, fault: str) -> int:
    return next(int(entry["fired"]) for entry in running.exchange.faults() if entry["id"] == fault)
