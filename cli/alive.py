"""`opitios alive`: whether the process of this container or unit does its work, for health checks."""

import socket
from contextlib import suppress

import requests
import typer

from cli.output import OUT, fail
from config.settings import ConfigError, Settings, load_settings
from events.heartbeat import SEALER, SILENT_S, age

_PATIENCE_S = 5
_SEALING_S = 120.0  # many rows at once, after an outage
_EVERYWHERE = "0.0.0.0"  # noqa: S104  where a container listens; it is asked on its own loopback


def alive() -> None:
    """Say whether the process that OPITIOS_PROCESS names works on this host: exit code 0, or 1 and what is missing.

    API and Flower are asked over HTTP, the sealer by its heartbeat on the disk. The others must have told the database
    of themselves within half a minute, and a worker must answer Celery's ping.
    """
    missing = missing_of(load_settings(), socket.gethostname())
    if missing is not None:
        fail(missing)
        raise typer.Exit(1)
    OUT.print("alive")


def missing_of(settings: Settings, host: str) -> str | None:
    """Return what a process lacks, None when it works."""
    if settings.process == "api":
        return _unanswered(f"{settings.api_url}/health")
    if settings.process == "flower":
        return _unanswered(f"{settings.flower_url}/healthcheck")
    if settings.process == SEALER:
        return _silent_sealer(settings)
    return _silent_process(settings, host)


def _silent_sealer(settings: Settings) -> str | None:
    """Ask the disk: its login may write to nothing but seals."""
    silent_s = age(settings.home, SEALER)
    if silent_s is not None and silent_s <= _SEALING_S:
        return None
    return f"the sealer has not beaten for {'long' if silent_s is None else f'{silent_s:.0f} s'}"


def _unanswered(url: str) -> str | None:
    url = url.replace(_EVERYWHERE, "127.0.0.1")
    with requests.Session() as session:
        session.trust_env = False
        with suppress(requests.RequestException):
            status = session.get(url, timeout=_PATIENCE_S).status_code
            return None if status < requests.codes.bad_request else f"{url} answers {status}"
    return f"{url} does not answer"


def _silent_process(settings: Settings, host: str) -> str | None:
    from cli.database import has_spoken  # noqa: PLC0415  API and Flower are asked without the ORM
    from events.hints import HintPublisher  # noqa: PLC0415  likewise without Celery

    try:
        if not has_spoken(settings, host):
            return f"{settings.process} on {host} has not told the database of itself for half a minute"
    except ConfigError as error:
        return str(error)
    kind, _, node = settings.process.partition("-")
    if kind != "worker":
        return None
    if node == "sell":
        silent_s = age(settings.home)
        if silent_s is None or silent_s > SILENT_S:
            return f"worker-sell has not beaten for {'long' if silent_s is None else f'{silent_s:.0f} s'}"
    hints = HintPublisher(settings.redis_url.get_secret_value())
    try:
        return None if hints.answers(f"{node}@{host}") else f"{node}@{host} does not answer Celery's ping"
    finally:
        hints.close()
