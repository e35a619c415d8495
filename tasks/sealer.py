"""The sealer: a plain loop without Celery or Redis, with a login of its own, that seals the audit trail (R29).

One sealer works at a time, by a lock of its session; a second one stands by. It waits for a database that is away, and
whatever it was doing when it ended, it goes on from what is committed.
"""

import signal
import socket
import sys
import threading

from loguru import logger

from config.logging import setup_logging
from config.seal_key import SealKey
from config.settings import ConfigError, Settings, load_settings
from events.checkpoints import CheckpointFiles
from events.heartbeat import SEALER, beat
from models.unit import StoreError
from reports.trail import open_trail
from tasks.sealing import Sealer

_PAUSE_S = 1.0  # between two tries to work at all
_STAND_BY_S = 2.0
_SAY_EVERY = 30


def main() -> int:
    """Run until SIGTERM."""
    settings = load_settings()
    setup_logging(settings)
    if not settings.sealer_database_url.get_secret_value():
        raise ConfigError("No database is known to the sealer: make run, or set OPITIOS_SEALER_DATABASE_URL")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    key = SealKey.open(settings.seal_key_path)
    logger.info("Sealer started; it signs with the key {}", key.public.key_id)
    told, tries = "", 0
    while not stop.is_set():
        beat(settings.home, SEALER)
        try:
            work(settings, key, stop)
        except (StoreError, OSError, ValueError) as error:
            # the server's own first line, an errno's words, or what is wrong with the last checkpoint
            said = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
            if said != told or tries % _SAY_EVERY == 0:
                logger.error("Sealing waits: {}", said)
            told, tries = said, tries + 1
            stop.wait(_PAUSE_S)
    return 0


def work(settings: Settings, key: SealKey, stop: threading.Event) -> None:
    """Seal until `stop`. Raises StoreError when the database is away, OSError when a checkpoint cannot be kept."""
    directory = settings.checkpoints_path
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    key.publish(directory)
    audit = settings.audit
    with open_trail(settings.sealer_database_url.get_secret_value(), "opitios-sealer") as connection:
        sealer = Sealer(
            connection, key, CheckpointFiles(directory), heartbeat=audit.heartbeat, host=socket.gethostname()
        )
        while not sealer.takes_lock():
            beat(settings.home, SEALER)
            if stop.wait(_STAND_BY_S):
                return
        sealer.catch_up()
        logger.info("Sealing every {:.0f} s", audit.seal_interval.total_seconds())
        while not stop.is_set():
            beat(settings.home, SEALER)
            for seal in sealer.seal():
                logger.debug("Seal {}: {} rows up to transaction {}", seal.seal_no, seal.row_count, seal.to_xid)
                beat(settings.home, SEALER)
                if stop.is_set():  # after an outage there may be many
                    break
            stop.wait(audit.seal_interval.total_seconds())


if __name__ == "__main__":
    sys.exit(main())
