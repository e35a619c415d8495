"""From nothing to a stack where orders can be placed. Loading this takes half a second, so `run` imports it late."""

from collections.abc import Callable, Mapping
from typing import Any

import requests

from cli.database import prepare_database, record_stack
from config.celery import WORKER_QUEUES
from config.settings import Settings, load_settings, read_at_start
from events.hints import HintPublisher
from services.process_record import STACK_STARTED
from stack.stack import Stack

_HEALTHY_S = 90


def bring_up(stack: Stack, environ: Mapping[str, str], report: Callable[[str], None]) -> tuple[Settings, str | None]:
    """Start a stack and wait until it is healthy; return its settings and the first admin's password if it is new.

    `environ` is where the settings are read from; it names the stack's home. A start that fails is stopped again.
    """
    stack.prepare()
    reading = read_at_start(environ)  # a file that cannot be used is said before any server runs
    if reading.replaced is not None:
        report(f"{reading.replaced}\n  Safe values hold in place of these: correct them, no restart is needed.")
    stack.start_infrastructure()
    try:
        report("bringing the database to the newest revision")
        password = prepare_database(load_settings(environ))
        record_stack(load_settings(environ), STACK_STARTED)
        stack.start_applications()
        settings = load_settings(environ)
        await_health(stack, settings)
    except BaseException:
        stack.stop()  # half a system is worse than none
        raise
    return settings, password


def await_health(stack: Stack, settings: Settings) -> None:
    """Return when orders can be placed. Raises StackError with what is missing after 90 s."""
    hints = HintPublisher(settings.redis_url.get_secret_value())
    try:
        stack.wait_healthy(lambda: _missing(settings, hints.workers), _HEALTHY_S)
    finally:
        hints.close()


def _missing(settings: Settings, workers: Callable[[], set[str]]) -> str | None:
    """Return what is not there yet, None when orders can be placed."""
    session = requests.Session()
    session.trust_env = False
    try:
        answer = session.get(f"{settings.api_url}/health", timeout=5)
        missing = _missing_part(settings, answer.json()["parts"])
    except requests.ConnectionError:
        return "the API"
    except requests.Timeout:
        return "the API (it does not answer within 5 s)"
    except (ValueError, KeyError, TypeError):
        told = f"HTTP {answer.status_code} at {answer.url}"
        return f"the API ({told} is no report of health: see its log, or who has the port)"
    finally:
        session.close()
    if missing is not None:
        return missing
    absent = WORKER_QUEUES.keys() - workers()
    return f"worker {', '.join(sorted(absent))}" if absent else None


def _missing_part(settings: Settings, parts: Mapping[str, Any]) -> str | None:
    for name in ("database", "redis"):
        if parts[name]["state"] != "healthy":
            return name
    if settings.accounts and not parts["instruments"]["known"]:
        return "the broker's instruments"
    if settings.accounts and parts["accounts"]["not_read"]:
        return f"{parts['accounts']['not_read']} account(s) to be read at the broker"
    return None
