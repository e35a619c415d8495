"""A process that starts before what it needs waits for it, and ends when it is told to (R30)."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from loguru import logger
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from tasks.context import Context
from tasks.waiting import wait_for_dependencies
from tests.support.house import Bed, until
from tests.support.ports import free_port


@pytest.fixture
def said() -> Iterator[list[str]]:
    """Keep what is logged."""
    lines: list[str] = []
    sink = logger.add(lines.append, format="{message}")
    yield lines
    logger.remove(sink)


@pytest.mark.parametrize("missing", ["Postgres", "Redis"])
def test_what_is_missing_is_waited_for_until_somebody_says_stop(quiet: Bed, missing: str, said: list[str]) -> None:
    settings = quiet.context().settings
    nobody = {
        "Postgres": {"app_database_url": _elsewhere(settings.app_database_url)},
        "Redis": {"redis_url": _elsewhere(settings.redis_url)},
    }[missing]
    ctx, stop = Context(settings.model_copy(update=nobody)), threading.Event()
    with ThreadPoolExecutor(1) as process:
        ready = process.submit(wait_for_dependencies, ctx, stop)
        until(lambda: any(missing in line for line in said))
        was_waiting = not ready.done()
        stop.set()
        assert (was_waiting, ready.result(10)) == (True, False)
    ctx.close()


def test_nothing_is_waited_for_where_all_is_there(quiet: Bed) -> None:
    assert wait_for_dependencies(quiet.context())


def _elsewhere(url: SecretStr) -> SecretStr:
    """Return the address of a server that nobody has started."""
    return SecretStr(make_url(url.get_secret_value()).set(port=free_port()).render_as_string(hide_password=False))
