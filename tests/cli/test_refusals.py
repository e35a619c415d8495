"""What the commands say where nothing runs yet, or cannot run: a sentence, never a traceback."""

import os
import socket

import pytest

from stack.ports import LOOPBACK
from tests.support.commands import Terminal

EVERY_COMMAND = [
    ("order", "buy", "AAPL", "1", "--account", "demo-1"),
    ("report", "order-timing"),
    ("admin", "reset-password"),
    ("migrate",),
    ("status",),
]


@pytest.mark.parametrize("words", EVERY_COMMAND, ids=" ".join)
def test_before_the_first_start_every_command_says_what_is_missing(stranger: Terminal, words: tuple[str, ...]) -> None:
    answer = stranger.opitios(*words)

    assert answer.refused()
    assert "make run" in answer.said or "Sign in with" in answer.said


@pytest.mark.parametrize("words", [("run",), ("report", "order-timing")], ids=" ".join)
def test_a_home_that_can_be_none_is_named(stranger: Terminal, words: tuple[str, ...]) -> None:
    assert stranger.opitios(*words, OPITIOS_HOME="/dev/null/x").refused("/dev/null/x", "Not a directory")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
def test_a_home_of_somebody_else_is_not_called_idle(stranger: Terminal) -> None:
    stranger.home.run.mkdir(mode=0)
    try:
        assert stranger.opitios("status").refused("belongs to another user")
    finally:
        stranger.home.run.rmdir()


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("OPITIOS_API_PORT", "many", "expected a whole number from 1 to 65535"),
        ("OPITIOS_CONFIG", "/nowhere.yml", "/nowhere.yml: No such file"),
        ("DATABASE_URL", "mysql://x", "expected postgresql://"),
        ("REDIS_URL", "amqp://x", "expected redis://"),
    ],
)
def test_a_setting_that_cannot_be_used_stops_the_start_before_any_server(
    stranger: Terminal, variable: str, value: str, message: str
) -> None:
    answer = stranger.opitios("run", **{variable: value})

    assert answer.refused(message)
    assert "answers" not in answer.said


def test_a_taken_port_is_named_with_its_holder_and_a_free_one(stranger: Terminal) -> None:
    port = int(stranger.environ["OPITIOS_API_PORT"])
    with socket.create_server((LOOPBACK, port)):
        answer = stranger.opitios("run")

    assert answer.refused(f"Port {port} for the API is taken by", f"(pid {os.getpid()})", "OPITIOS_API_PORT=")


def test_an_external_database_that_is_away_is_not_migrated(stranger: Terminal) -> None:
    away = "postgresql://me:hidden@127.0.0.1:1/db"
    answer = stranger.opitios("migrate", DATABASE_URL=away, OPITIOS_APP_DATABASE_URL=away)

    assert answer.refused("Connection refused", "make run")
    assert "hidden" not in answer.said
