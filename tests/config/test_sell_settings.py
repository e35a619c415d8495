"""The section `sell_module`: the predecessor's means the same, a wrong value is named, a change is taken over live."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from config.explaining import useless_keys
from config.fields import LIVE, differing, flat, merged
from config.home import find_home
from config.sell_settings import SellSettings
from config.settings import ConfigError, Reading, Settings, read_settings
from config.sources import read_content
from domain.exits import ExitRules, MarketHours, ShortsMode
from domain.orders import AssetClass, OrderType
from domain.prices import PriceRules

PREDECESSOR = """
sell_module:
  enabled: true
  check_interval: 5
  order_cancel_minutes: 3
  zero_day_handling: true
  strategy_one:
    enabled: true
    profit_rate: 1.1
    stop_loss_rate: 0.8
"""
"""Its template, which has no `position_time_limit`: its code needed one and sold nothing without."""

OPTION, STOCK = AssetClass.OPTION, AssetClass.STOCK
MARKET, LIMIT, STOP = OrderType.MARKET, OrderType.LIMIT, OrderType.STOP


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def read(home: Path, secrets: str, **environment: str) -> Reading:
    (home / "secrets.yml").write_text(secrets, encoding="utf-8")
    env = {"OPITIOS_HOME": str(home), **environment}
    return read_settings(env, read_content(find_home(env), env))


def load(home: Path, secrets: str, **environment: str) -> SellSettings:
    return read(home, secrets, **environment).settings.sell_module


def complaint(home: Path, secrets: str, **environment: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(home, secrets, **environment)
    return str(caught.value)


def test_the_predecessors_section_means_what_it_meant(home: Path) -> None:
    sell = load(home, PREDECESSOR)

    assert sell.enabled
    assert sell.check_interval == dt.timedelta(seconds=5)
    assert sell.rules == ExitRules(
        profit_rate=Decimal("1.1"),
        stop_loss_rate=Decimal("0.8"),
        max_hold=None,
        zero_day_before_close=dt.timedelta(minutes=60),
        closing_window=dt.timedelta(minutes=10),
        stocks=False,
        shorts=ShortsMode.NONE,
    )
    assert sell.cancel_after("sell_module", OPTION, LIMIT) == dt.timedelta(minutes=3)
    assert sell.cancel_after("api", OPTION, LIMIT) is None


def test_without_the_section_the_seller_is_off(home: Path) -> None:
    assert load(home, "") == SellSettings()
    assert not SellSettings().enabled


@pytest.mark.parametrize("empty", ["strategy_one", "position_time_limit", "order_cancel_minutes"])
def test_an_empty_key_is_left_at_its_default(home: Path, empty: str) -> None:
    assert load(home, f"sell_module: {{{empty}: }}") == SellSettings()


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ("strategy_one: {enabled: false}", "profit_rate", None),
        ("strategy_one: {enabled: false}", "stop_loss_rate", None),
        ("strategy_one: {profit_rate: null}", "profit_rate", None),
        ("strategy_one: {profit_rate: null}", "stop_loss_rate", Decimal("0.8")),
        ("strategy_one: {stop_loss_rate: 0.55}", "stop_loss_rate", Decimal("0.55")),  # as written, not as a float
        ("position_time_limit: {enabled: true}", "max_hold", None),
        ("position_time_limit: {enabled: true, max_hold_minutes: 1.5}", "max_hold", dt.timedelta(seconds=90)),
        ("position_time_limit: {enabled: false, max_hold_minutes: 5}", "max_hold", None),
        ("zero_day_handling: false", "zero_day_before_close", None),
        ("zero_day_minutes: 30", "zero_day_before_close", dt.timedelta(minutes=30)),
        ("closing_window_minutes: 0", "closing_window", None),
        ("stocks: true", "stocks", True),
        ("shorts: cover", "shorts", ShortsMode.COVER),
    ],
)
def test_a_key_makes_its_rule(home: Path, given: str, field: str, value: Any) -> None:
    assert getattr(load(home, f"sell_module: {{{given}}}").rules, field) == value


def test_prices_and_hours_have_keys_too(home: Path) -> None:
    sell = load(home, "sell_module: {max_price_age: 20, max_spread: 0.3, market_hours: always}")

    assert sell.price_rules == PriceRules(dt.timedelta(seconds=20), Decimal("0.3"))
    assert sell.market_hours is MarketHours.ALWAYS
    assert SellSettings().market_hours is MarketHours.AUTO


@pytest.mark.parametrize(
    ("asset_class", "order_type", "minutes"),
    [
        (OPTION, LIMIT, "0.5"),  # both named
        (STOCK, LIMIT, "10"),  # the type before the class
        (OPTION, MARKET, "7"),  # the class where the type is not named
        (STOCK, MARKET, "4"),  # neither
        (STOCK, STOP, None),  # as long as it likes
    ],
)
def test_the_narrowest_key_of_a_map_holds(
    home: Path, asset_class: AssetClass, order_type: OrderType, minutes: str | None
) -> None:
    given = "{default: 4, limit: 10, stop: 0, us_option: 7, us_option.limit: 0.5}"
    sell = load(home, f"sell_module: {{order_cancel_minutes: {given}}}")

    expected = None if minutes is None else dt.timedelta(seconds=float(minutes) * 60)
    assert sell.cancel_after("sell_module", asset_class, order_type) == expected


def test_a_map_without_a_default_has_three_minutes(home: Path) -> None:
    sell = load(home, "sell_module: {order_cancel_minutes: {limit: 10}}")
    assert sell.cancel_after("sell_module", STOCK, MARKET) == dt.timedelta(minutes=3)


@pytest.mark.parametrize("given", ["[sell_module, api]", "sell_module, api"])
def test_the_orders_of_others_are_cancelled_where_that_is_said(home: Path, given: str) -> None:
    sell = load(home, f"sell_module:\n  cancel_sources: {given}\n")
    assert sell.cancel_after("api", STOCK, LIMIT) == dt.timedelta(minutes=3)
    assert sell.cancel_after("external", STOCK, LIMIT) is None


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ("check_interval: 0.5", "check_interval", "greater than or equal to"),
        ("check_interval: often", "check_interval", "(value: 'often')"),
        ("strategy_one: {profit_rate: 0.1}", "strategy_one.profit_rate", "greater than or equal to 1 (value: 0.1)"),
        ("strategy_one: {profit_rate: yes}", "strategy_one.profit_rate", "expected a number"),
        ("strategy_one: {profit_rate: .nan}", "strategy_one.profit_rate", "finite number"),
        ("strategy_one: {stop_loss_rate: 1.2}", "strategy_one.stop_loss_rate", "less than or equal to 1"),
        ("strategy_one: {stop_loss_rate: 0}", "strategy_one.stop_loss_rate", "greater than 0 (value: 0)"),
        ("strategy_one: {stop_loss_rate: 0.12345678}", "strategy_one.stop_loss_rate", "6 decimal places"),
        ("strategy_one: 1.1", "strategy_one", "expected a mapping, found float"),
        (
            "position_time_limit: {max_hold_minutes: 0}",
            "position_time_limit.max_hold_minutes",
            "greater than 0 (value: 0)",
        ),
        ("position_time_limit: [240]", "position_time_limit", "expected a mapping, found list"),
        ("zero_day_minutes: -1", "zero_day_minutes", "greater than or equal to 0"),
        ("zero_day_handling: perhaps", "zero_day_handling", "valid boolean"),
        ("closing_window_minutes: yes", "closing_window_minutes", "expected a number"),
        ("shorts: all", "shorts", "'none', 'thresholds' or 'cover' (value: 'all')"),
        ("market_hours: night", "market_hours", "'auto', 'session' or 'always' (value: 'night')"),
        ("order_type: stop", "order_type", "'market' or 'limit' (value: 'stop')"),
        ("order_cancel_minutes: -3", "order_cancel_minutes.default", "greater than or equal to 0 (value: -3)"),
        ("order_cancel_minutes: {limit: x}", "order_cancel_minutes.limit", "valid decimal (value: 'x')"),
        ("order_cancel_minutes: {limits: 3}", "order_cancel_minutes", "as keys, found limits"),
        ("cancel_sources: [manual]", "cancel_sources", "expected api, external, sell_module, found manual"),
        ("max_price_age: 0", "max_price_age", "greater than"),
        ("max_spread: 2", "max_spread", "less than or equal to 1 (value: 2)"),
        ("reprice_times: -1", "reprice_times", "greater than or equal to 0 (value: -1)"),
    ],
)
def test_a_wrong_value_is_named_with_its_field(home: Path, given: str, field: str, words: str) -> None:
    said = complaint(home, f"sell_module: {{{given}}}")

    assert said.startswith(f"{home / 'secrets.yml'}: sell_module.{field}: ")
    assert words in said


def test_a_wrong_variable_is_named_and_not_the_file(home: Path) -> None:
    said = complaint(home, PREDECESSOR, OPITIOS_SELL_MODULE_ORDER_CANCEL_MINUTES="soon")
    assert said.startswith("environment: OPITIOS_SELL_MODULE_ORDER_CANCEL_MINUTES: ")


def test_every_value_has_a_name_and_a_source(home: Path) -> None:
    reading = read(home, "sell_module: {strategy_one: {profit_rate: 1.25}, order_cancel_minutes: {limit: 9}}")
    shown = {name: value for name, value in flat(reading.settings).items() if name.startswith("sell_module.")}
    source = reading.sources.source_of

    assert shown["sell_module.strategy_one.profit_rate"] == "1.25"
    assert shown["sell_module.order_cancel_minutes.limit"] == "9"
    assert shown["sell_module.order_cancel_minutes.default"] == "3"
    assert source("sell_module.strategy_one.profit_rate") == "file"
    assert source("sell_module.strategy_one.stop_loss_rate") == "default"
    assert source("sell_module.order_cancel_minutes.limit") == "file"
    assert source("sell_module.order_cancel_minutes.default") == "default"


def test_a_number_for_all_is_the_source_of_its_default(home: Path) -> None:
    name = "sell_module.order_cancel_minutes.default"
    assert read(home, PREDECESSOR).sources.source_of(name) == "file"
    variable = {"OPITIOS_SELL_MODULE_ORDER_CANCEL_MINUTES": "4"}
    over_a_map = read(home, "sell_module: {order_cancel_minutes: {default: 9, limit: 1}}", **variable)
    assert over_a_map.sources.source_of(name) == "environment: OPITIOS_SELL_MODULE_ORDER_CANCEL_MINUTES"
    assert over_a_map.settings.sell_module.order_cancel_minutes == {"default": 4}


def test_a_change_is_taken_over_without_a_restart_and_told_by_its_name(home: Path) -> None:
    before = read(home, PREDECESSOR).settings
    after = read(home, PREDECESSOR.replace("1.1", "1.3").replace("minutes: 3", "minutes: {limit: 5}")).settings
    taken, needs_restart = merged(before, after)

    assert "sell_module" in LIVE
    assert taken.sell_module.rules.profit_rate == Decimal("1.3")
    assert not needs_restart
    assert [change.line() for change in differing(before, after)] == [
        "sell_module.order_cancel_minutes.limit: - -> 5",
        "sell_module.strategy_one.profit_rate: 1.1 -> 1.3",
    ]


def test_settings_can_be_written_and_shown(home: Path) -> None:
    settings: Settings = read(home, PREDECESSOR).settings
    assert '"default":"3"' in settings.model_dump_json(exclude={"home"})
    assert list(useless_keys({"sell_module": {"position_time_limit": {"max_hold": 3}}})) == [
        "sell_module.position_time_limit.max_hold: unknown key, without effect; did you mean max_hold_minutes?"
    ]
