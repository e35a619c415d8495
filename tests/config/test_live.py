"""A running process takes over what stands still and is right, however the file came to be."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from config.clock import SYSTEM_CLOCK
from config.live import LiveSettings, Standing, Verdict
from config.settings import Settings, TradingSettings, load_settings
from domain.balance import BalanceRule
from stack.waiting import poll

pytestmark = pytest.mark.requirement("CFG-001")

GOOD = "trading: {minimum_balance: 1000}\naccounts: {main: {api_key: PK1}}\n"
NEWER = "trading: {minimum_balance: 2000}\naccounts: {main: {api_key: PK1}}\n"


class Away(Exception):
    """What a record that cannot be written raises."""


class Watched:
    """A process in the form of its callbacks: what it works with, and what it was given to record."""

    def __init__(self, root: Path, text: str | None = GOOD, **environment: str) -> None:
        self.file = root / "secrets.yml"
        if text is not None:
            self.file.write_text(text)
        self.recorded: list[Verdict] = []
        self.faults: list[Exception] = []
        env = {"OPITIOS_HOME": str(root), **environment}
        self.settings = load_settings(env)
        self.live = LiveSettings(
            self.settings, SYSTEM_CLOCK, follow=self.follow, record=self.record, away=Away, environ=env
        )
        self.live.look()

    def follow(self, settings: Settings) -> None:
        self.settings = settings

    def record(self, verdict: Verdict) -> bool:
        self.recorded.append(verdict)
        if self.faults:
            raise self.faults.pop(0)
        return True

    def looks(self, count: int = 2) -> None:
        for _ in range(count):
            self.live.look()

    @property
    def minimum(self) -> int:
        return int(self.settings.trading.minimum_balance)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, and a working directory without a file."""
    (tmp_path / "work").mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


def by_rename(file: Path) -> None:
    new = file.with_name("new")
    new.write_text(NEWER)
    new.rename(file)


def in_place_with_its_old_time(file: Path) -> None:
    before = file.stat()
    file.write_text(NEWER)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def by_a_symlink_that_turns(file: Path) -> None:
    """As mounted secrets do: a link to a directory is turned to another one."""
    folder = file.with_name("..data-2")
    folder.mkdir()
    (folder / "secrets.yml").write_text(NEWER)
    link = file.with_name("link")
    link.symlink_to(folder / "secrets.yml")
    link.rename(file)


def deleted_and_written_anew(file: Path) -> None:
    file.unlink()
    file.write_text(NEWER)


@pytest.mark.parametrize(
    "change", [by_rename, in_place_with_its_old_time, by_a_symlink_that_turns, deleted_and_written_anew]
)
def test_a_change_is_taken_over_whichever_way_it_was_made(root: Path, change: Callable[[Path], None]) -> None:
    watched = Watched(root)
    change(watched.file)
    watched.looks()
    assert watched.minimum == 2000


def test_a_file_still_being_written_waits(root: Path) -> None:
    watched = Watched(root)
    watched.file.write_text("trading: {minimum_balance: 2}\n")  # half of it, and good YAML
    watched.looks(1)
    watched.file.write_text(NEWER)
    watched.looks(1)
    assert watched.minimum == 1000
    watched.looks(1)
    assert watched.minimum == 2000
    assert [verdict.complaint for verdict in watched.recorded] == [None, None]


def test_nothing_new_is_neither_judged_nor_recorded_again(root: Path) -> None:
    watched = Watched(root)
    settings = watched.settings
    watched.looks(5)
    assert len(watched.recorded) == 1
    assert watched.settings is settings


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("trading: {minimum_balance: -1}", "trading.minimum_balance: Input should be greater than or equal to 0"),
        ("accounts: {main: {minimum_balance: x}}", "accounts.*.minimum_balance: Input should be a valid decimal"),
        ("accounts: {main: {rate_limit_per_minute: 0}}", "accounts.*.rate_limit_per_minute: Input should be greater"),
        ("trading: [", "line 2: not valid YAML"),
        ("  \n", "the file is empty"),
        (None, "the file is gone"),
    ],
)
def test_a_broken_file_keeps_the_values_and_says_why(root: Path, text: str | None, words: str) -> None:
    watched = Watched(root)
    if text is None:
        watched.file.unlink()
    else:
        watched.file.write_text(text)
    watched.looks()
    assert watched.minimum == 1000
    said = str(watched.live.standing.error)
    assert words in said
    assert said.startswith("secrets.yml")
    assert str(root) not in said
    assert watched.recorded[-1].settings is None

    watched.file.write_text(NEWER)
    watched.looks()
    assert watched.minimum == 2000
    assert watched.live.standing == Standing(watched.live.standing.since)


def test_what_strangers_see_of_a_complaint_names_no_account_and_shows_no_value(root: Path) -> None:
    watched = Watched(root)
    watched.file.write_text("accounts: {canary-account: {minimum_balance: canary-value}}")
    watched.looks()
    assert "canary" not in str(watched.live.standing)
    assert "canary-account.minimum_balance" in str(watched.recorded[-1].complaint)


def test_wrong_thresholds_at_the_start_take_safe_defaults_and_are_told(root: Path) -> None:
    watched = Watched(root, "trading: {minimum_balance: lots, balance_check_enabled: perhaps, balance_rule: after}")
    trading = watched.settings.trading
    assert trading == TradingSettings(balance_rule=BalanceRule.AFTER)
    assert trading.minimum_balance == 5000
    assert "trading.minimum_balance" in str(watched.live.standing.error)
    assert watched.recorded[-1].settings is None


def test_what_cannot_change_live_keeps_its_value_and_is_named_until_it_is_put_back(root: Path) -> None:
    watched = Watched(root)
    key = "another-signing-key-of-more-than-32-letters"
    watched.file.write_text(f"{NEWER}database: {{pool_max: 9}}\njwt: {{secret_key: {key}, expiration_hours: 5}}\n")
    watched.looks()
    assert watched.live.standing.needs_restart == ("database.pool_max", "jwt.secret_key")
    assert (watched.settings.database.pool_max, watched.settings.jwt_secret.get_secret_value()) == (10, "")
    assert (watched.minimum, watched.settings.jwt_hours) == (2000, 5)
    watched.file.write_text(NEWER)
    watched.looks()
    assert not watched.live.standing.needs_restart


def test_the_environment_stays_above_a_changed_file(root: Path) -> None:
    watched = Watched(root, OPITIOS_TRADING_MINIMUM_BALANCE="7000")
    watched.file.write_text(NEWER)
    watched.looks()
    assert watched.minimum == 7000


def test_what_cannot_be_recorded_is_offered_again_until_it_is(root: Path) -> None:
    watched = Watched(root)
    watched.faults = [Away(), Away()]
    watched.file.write_text(NEWER)
    watched.looks(6)
    assert watched.minimum == 2000
    assert len(watched.recorded) == 1 + 3
    assert len({id(verdict) for verdict in watched.recorded}) == 2


def test_a_slow_process_knows_that_the_file_has_moved_on(root: Path) -> None:
    watched = Watched(root)
    assert watched.live.is_current()
    watched.file.write_text(NEWER)
    assert not watched.live.is_current()


def test_a_fault_that_nobody_foresaw_is_shown_and_the_next_change_is_still_seen(root: Path) -> None:
    watched = Watched(root)
    watched.faults = [ZeroDivisionError("of ours")]
    watched.live.start()
    try:
        watched.file.write_text(NEWER)
        assert poll(lambda: watched.live.standing.error == "not taken over: ZeroDivisionError", seconds=5)
        watched.file.write_text(GOOD)
        assert poll(lambda: watched.live.standing.error is None and watched.minimum == 1000, seconds=5)
    finally:
        watched.live.stop()
