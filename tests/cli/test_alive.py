"""`opitios alive`: true of what works, and in words of what does not."""

import socket
from pathlib import Path

import pytest

from cli.alive import missing_of
from config.home import Home
from config.settings import Settings
from tests.support.house import House, until


def named(running: House, process: str, **more: object) -> Settings:
    return running.settings.model_copy(update={"process": process, **more})


@pytest.mark.parametrize(
    "process", ["api", "flower", "worker-entries", "worker-exits", "worker-sell", "relay", "sealer", "streams", "beat"]
)
def test_a_process_that_works_lacks_nothing(running: House, process: str) -> None:
    until(lambda: missing_of(named(running, process), socket.gethostname()) is None, 20)


def test_a_process_that_never_spoke_and_one_on_another_host_are_missed(running: House) -> None:
    host = socket.gethostname()

    assert missing_of(named(running, "worker-none"), host) == (
        f"worker-none on {host} has not told the database of itself for half a minute"
    )
    assert "has not told" in str(missing_of(named(running, "relay"), "elsewhere"))


def test_a_page_that_does_not_answer_is_missed(running: House) -> None:
    assert missing_of(named(running, "api", api_port=1), "here") == "http://127.0.0.1:1/health does not answer"
    assert "answers 401" in str(missing_of(named(running, "api", api_port=running.settings.flower.port), "here"))


def test_a_sealer_without_a_heartbeat_is_missed(running: House, tmp_path: Path) -> None:
    settings = named(running, "sealer", home=Home(tmp_path))

    assert missing_of(settings, "here") == "the sealer has not beaten for long"


def test_a_sell_worker_without_a_heartbeat_is_missed(running: House, tmp_path: Path) -> None:
    settings = named(running, "worker-sell", home=Home(tmp_path))

    until(lambda: missing_of(settings, socket.gethostname()) == "worker-sell has not beaten for long", 20)
