"""`config`: what is wrong is named before it takes effect, what is in force is shown, what was changed is listed."""

import re
from pathlib import Path

import pytest

from config.clock import SYSTEM_CLOCK
from stack.waiting import poll
from tests.support.commands import Terminal

pytestmark = pytest.mark.requirement("CFG-001")

CANARY = "canary-31f0-in-more-than-32-letters"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.yml"


def test_a_good_file_is_called_good(stranger: Terminal, file: Path) -> None:
    file.write_text("trading: {minimum_balance: 1}\naccounts: {a: , b: }")
    answer = stranger.opitios("config", "check", str(file))
    assert (answer.code, answer.out) == (0, f"{file}: good, 2 accounts, 0 warnings\n")


def test_every_wrong_value_is_named_at_once(stranger: Terminal, file: Path) -> None:
    file.write_text(
        f"trading: {{minimum_balance: -1}}\njwt: {{secret_key: short}}\naccounts: {{a: {{api_key: [{CANARY}]}}}}"
    )
    answer = stranger.opitios("config", "check", str(file), OPITIOS_WORKER_THREADS="many")
    assert answer.refused(
        f"{file}: trading.minimum_balance: Input should be greater than or equal to 0 (value: -1)",
        f"{file}: jwt.secret_key: expected at least 32 characters",
        f"{file}: accounts.a.api_key:",
        "environment: OPITIOS_WORKER_THREADS: Input should be a valid integer",
    )
    assert CANARY not in answer.said


def test_a_typo_is_a_warning_and_with_strict_an_error(stranger: Terminal, file: Path) -> None:
    file.write_text("trading: {minimum_balace: 1}\napp: {debug: true}")
    answer = stranger.opitios("config", "check", str(file))
    assert answer.code == 0
    assert "did you mean minimum_balance?" in answer.out
    assert "app: without effect: there is no debug mode" in answer.out
    assert stranger.opitios("config", "check", str(file), "--strict").code == 1


def test_a_missing_or_broken_file_is_named(stranger: Terminal, file: Path) -> None:
    assert stranger.opitios("config", "check", str(file)).refused(f"{file}: No such file or directory")
    file.write_text("trading:\n  minimum_balance: [\n")
    assert stranger.opitios("config", "check", str(file)).refused(f"{file}, line 3: not valid YAML")


def test_what_is_in_force_is_shown_with_its_source_and_without_secrets(stranger: Terminal, file: Path) -> None:
    file.write_text(
        f"trading: {{minimum_balance: 77, balance_rule: no}}\njwt: {{secret_key: {CANARY}}}\n"
        f"accounts: {{a: {{secret_key: {CANARY}, base_url: 'https://u:{CANARY}@broker.example'}}}}"
    )
    answer = stranger.opitios(
        "config", "show", "--sources", OPITIOS_CONFIG=str(file), OPITIOS_TRADING_MARKET_COLLAR="0.5"
    )
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in answer.out.splitlines() if "│" in line]
    assert answer.code == 0
    assert ["trading.minimum_balance", "77", "file"] in rows
    assert ["trading.market_collar", "0.5", "environment: OPITIOS_TRADING_MARKET_COLLAR"] in rows
    assert ["trading.balance_check_enabled", "true", "default"] in rows
    assert ["jwt.secret_key", "***", "file"] in rows
    assert ["accounts.a.secret_key", "***", "file"] in rows
    assert CANARY not in answer.said
    assert "trading.balance_rule: Input should be 'before' or 'after'" in answer.said  # the safe one is in force


def test_the_history_says_what_was_changed_when_and_by_whom(desk: Terminal) -> None:
    file = desk.home.secrets
    before = file.read_text()
    file.write_text(before.replace("minimum_balance: 5000", "minimum_balance: 4500"))
    try:
        assert poll(lambda: bool(re.search("│ 5000 +│ 4500 ", desk.opitios("config", "history").out)), seconds=10)
    finally:
        file.write_text(before)
    answer = desk.opitios("config", "history", "--limit", "200")
    (line,) = [line for line in answer.out.splitlines() if re.search("│ 5000 +│ 4500 ", line)]
    assert f"file:secrets.yml owner={file.owner()}" in line
    assert f"{SYSTEM_CLOCK.now():%Y-%m-%d}" in line
    assert "trading.minimum_balance" in line
    assert "password reset" in answer.out or "user created" in answer.out
