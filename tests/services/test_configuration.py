"""Each change of the configuration is on record once, with old, new and who, and never with a secret (CFG-001)."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from config.clock import SYSTEM_CLOCK
from config.ids import SYSTEM_IDS
from config.settings import AccountSettings, Settings, TradingSettings
from services.accounts import find_account
from services.configuration import record_configuration
from services.rules_version import SUBJECT, rules_version
from tests.support.house import TEST_ORIGIN, Bed

pytestmark = pytest.mark.requirement("CFG-001")

KEY = "a-signing-key-of-at-least-32-letters"
CANARY = "canary-77aa-nobody-may-see-this"


@pytest.fixture
def made(quiet: Bed) -> Iterator[Settings]:
    """Settings with one account, on record alone."""
    account = AccountSettings(name="on-record", api_key=SecretStr("PKREC"), minimum_balance=Decimal(10))
    home = quiet.servers.home
    settings = Settings(home=home, jwt_secret=SecretStr(KEY), accounts=(account,))
    record(quiet, settings)
    yield settings
    record(quiet, settings.model_copy(update={"accounts": ()}))


def record(bed: Bed, settings: Settings, *, is_current: bool = True) -> frozenset[str]:
    with bed.database.unit() as unit:
        return record_configuration(
            unit,
            settings,
            actor="file:test",
            is_current=lambda: is_current,
            now=SYSTEM_CLOCK.now(),
            ids=SYSTEM_IDS,
            origin=TEST_ORIGIN,
        )


def changed(settings: Settings, **fields: Any) -> Settings:
    account = settings.accounts[0].model_copy(update=fields)
    return settings.model_copy(update={"accounts": (account,)})


def changes(bed: Bed) -> list[tuple[str, Any, Any, str]]:
    """Return what was put on record by these tests, by subject and oldest first; the rules' version is apart."""
    return [(row.subject, row.old, row.new, row.host) for row in on_record(bed) if row.subject != SUBJECT]


def on_record(bed: Bed) -> list[Any]:
    with bed.database.statement() as unit:
        return list(
            unit.rows("SELECT * FROM audit.config_changes WHERE actor = 'file:test' ORDER BY recorded_at, subject")
        )


def test_a_change_is_written_with_old_and_new_and_the_account_follows(quiet: Bed, made: Settings) -> None:
    before = len(changes(quiet))
    assert record(quiet, changed(made, minimum_balance=Decimal("20.00"), balance_check_enabled=False)) == {"on-record"}
    assert changes(quiet)[before:] == [
        ("accounts.on-record.balance_check_enabled", None, {"value": False}, "test"),
        ("accounts.on-record.minimum_balance", {"value": "10"}, {"value": "20"}, "test"),
    ]
    with quiet.database.statement() as unit:
        row = unit.row("SELECT minimum_balance FROM trading.accounts WHERE name = 'on-record'")
    assert row is not None
    assert row.minimum_balance == 20


def test_six_processes_write_it_once(quiet: Bed, made: Settings) -> None:
    before = len(changes(quiet))
    new = changed(made, minimum_balance=Decimal(30))
    with ThreadPoolExecutor(6) as processes:
        answers = list(processes.map(lambda _: record(quiet, new), range(6)))
    assert sorted(map(len, answers)) == [0, 0, 0, 0, 0, 1]
    assert len(changes(quiet)) - before == 1


def test_who_holds_what_is_no_longer_in_the_file_writes_nothing(quiet: Bed, made: Settings) -> None:
    before = changes(quiet)
    assert record(quiet, changed(made, minimum_balance=Decimal(1)), is_current=False) == frozenset()
    assert changes(quiet) == before


def test_a_secret_says_that_it_changed_and_no_more(quiet: Bed, made: Settings) -> None:
    before = len(changes(quiet))
    record(quiet, changed(made, api_key=SecretStr(CANARY), base_url=f"https://u:{CANARY}@broker.example"))
    mask = {"value": "***"}
    assert changes(quiet)[before:] == [
        ("accounts.on-record.api_key", mask, mask, "test"),
        ("accounts.on-record.base_url", {"value": "https://paper-api.alpaca.markets"}, mask, "test"),
    ]
    with quiet.database.statement() as unit:
        row = unit.row("SELECT content FROM trading.configuration")
    assert row is not None
    assert CANARY not in json.dumps(row.content)
    assert row.content["accounts.on-record.api_key"].startswith("hmac-sha256:")


def test_another_signing_key_is_one_change_and_not_one_of_every_secret(quiet: Bed, made: Settings) -> None:
    before = len(changes(quiet))
    record(quiet, made.model_copy(update={"jwt_secret": SecretStr(KEY[::-1])}))
    assert [subject for subject, *_ in changes(quiet)[before:]] == ["jwt.secret_key"]


def test_an_account_whose_section_is_gone_is_switched_off(quiet: Bed, made: Settings) -> None:
    record(quiet, made.model_copy(update={"accounts": ()}))
    with quiet.database.statement() as unit:
        account = find_account(unit, "on-record")
    assert account is not None
    assert not account.enabled


def test_where_a_process_listens_is_no_change_of_the_configuration(quiet: Bed, made: Settings) -> None:
    before = changes(quiet)
    record(quiet, made.model_copy(update={"api_port": 9999, "process": "relay"}))
    assert changes(quiet) == before


def test_thresholds_for_all_are_on_record_too(quiet: Bed, made: Settings) -> None:
    before = len(changes(quiet))
    record(quiet, made.model_copy(update={"trading": TradingSettings(minimum_balance=Decimal(6000))}))
    assert changes(quiet)[before:] == [("trading.minimum_balance", {"value": "5000"}, {"value": "6000"}, "test")]


@pytest.mark.requirement("FR-005")
def test_another_threshold_is_another_version_of_the_rules_on_record_with_its_values(
    quiet: Bed, made: Settings
) -> None:
    new = changed(made, minimum_balance=Decimal(77))
    record(quiet, new)
    row = on_record(quiet)[-1]
    assert (row.subject, row.old["value"], row.new["value"]) == (SUBJECT, rules_version(made), rules_version(new))
    assert row.new["thresholds"]["accounts.on-record.minimum_balance"] == "77"
    assert row.new["thresholds"]["trading.minimum_balance"] == "5000"
    count = len(on_record(quiet))
    record(quiet, changed(new, rate_limit_per_minute=7))  # no threshold: the same rules
    assert [row.subject for row in on_record(quiet)[count:]] == ["accounts.on-record.rate_limit_per_minute"]
