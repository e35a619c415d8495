"""Which broker an account gets, and where its orders may not go."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from brokers.protocol import EntryLocked
from brokers.registry import BrokerRegistry, NoSuchBroker
from config.clock import SYSTEM_CLOCK
from config.home import Home
from config.settings import AccountSettings, Settings
from domain.broker import Accepted, Ticket
from domain.orders import OrderTerms, OrderType, Side, TimeInForce
from tests.support.exchange import DEMO, ExchangeProcess

TICKET = Ticket("opt-registry", OrderTerms("AAPL", Side.BUY, OrderType.MARKET, TimeInForce.DAY, Decimal(1)))


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeProcess]:
    with ExchangeProcess(tmp_path_factory.mktemp("exchange")) as process:
        yield process


def settings_of(*accounts: AccountSettings, exchange_url: str | None = None) -> Settings:
    return Settings(home=Home(Path("/nowhere")), exchange_url=exchange_url, accounts=accounts)


def registry(*accounts: AccountSettings, exchange_url: str | None = None) -> BrokerRegistry:
    return BrokerRegistry(settings_of(*accounts, exchange_url=exchange_url), SYSTEM_CLOCK, lambda *_: None)


def demo(url: str = "http://127.0.0.1:1", **changes: object) -> AccountSettings:
    keys = {"api_key": SecretStr(DEMO["key_id"]), "secret_key": SecretStr(DEMO["secret_key"])}
    return AccountSettings.model_validate({"name": "demo", "base_url": url, "data_url": url, **keys, **changes})


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (None, "account demo: no keys"),
        (demo(api_key=SecretStr("")), "account demo: no keys"),
        (demo(broker="etrade"), "account demo: broker 'etrade' is not known; expected alpaca"),
    ],
)
def test_an_account_nobody_can_trade_is_named(account: AccountSettings | None, words: str) -> None:
    with pytest.raises(NoSuchBroker, match=words):
        registry(*([] if account is None else [account])).broker("demo")


def test_an_account_has_one_broker_in_a_process() -> None:
    brokers = registry(demo())

    assert brokers.broker("demo") is brokers.broker("demo")
    brokers.close()


def test_an_order_for_the_simulated_exchange_goes_out(exchange: ExchangeProcess) -> None:
    brokers = registry(demo(exchange.url), exchange_url=exchange.url)

    assert isinstance(brokers.broker("demo").place(TICKET).outcome, Accepted)
    brokers.close()


@pytest.mark.requirement("ACC-001")
@pytest.mark.parametrize("paper_trading", [True, None])
@pytest.mark.parametrize("exchange_url", [None, "http://127.0.0.1:1"])
def test_locks_follow_the_endpoint_and_not_the_label(
    exchange: ExchangeProcess, exchange_url: str | None, *, paper_trading: bool | None
) -> None:
    account = demo(exchange.url, paper_trading=paper_trading, account_type="paper")
    brokers = registry(account, exchange_url=exchange_url)
    ticket = Ticket(f"opt-{paper_trading}-{exchange_url}", TICKET.terms)

    with pytest.raises(EntryLocked, match="neither a known paper host nor the simulated exchange"):
        brokers.broker("demo").place(ticket)

    brokers.close()
    assert ticket.broker_client_id not in exchange.ledger()["attempts"]


def test_another_key_makes_another_broker_and_leaves_the_first_to_who_has_it(exchange: ExchangeProcess) -> None:
    brokers = registry(demo(exchange.url), exchange_url=exchange.url)
    try:
        first = brokers.broker("demo")
        brokers.follow(settings_of(demo(exchange.url), exchange_url=exchange.url))
        assert brokers.broker("demo") is first  # nothing of it changed

        brokers.follow(settings_of(demo(exchange.url, secret_key=SecretStr("another")), exchange_url=exchange.url))
        section, second = brokers.connection("demo")
        assert second is not first
        assert section.secret_key.get_secret_value() == "another"
        assert first.read_account().cash > 0  # a request on its way ends as it began
    finally:
        brokers.close()


def test_an_account_that_is_new_has_a_broker_and_one_that_is_gone_has_none(exchange: ExchangeProcess) -> None:
    brokers = registry(exchange_url=exchange.url)
    try:
        brokers.follow(settings_of(demo(exchange.url), exchange_url=exchange.url))
        assert brokers.broker("demo").read_account().cash > 0
        brokers.follow(settings_of(exchange_url=exchange.url))
        with pytest.raises(NoSuchBroker, match="account demo: no keys"):
            brokers.broker("demo")
    finally:
        brokers.close()
