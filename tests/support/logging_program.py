"""A process that writes every kind of line: logging is global, so tests have it written by a process of its own.

`python logging_program.py HOME LOGGING_SECTION_AS_JSON SECRET`; prints its own time at the end.
"""

import asyncio
import gc
import json
import logging
import pathlib
import sys
import threading
import warnings

from loguru import logger
from pydantic import SecretStr

from config import log_context
from config.clock import SYSTEM_CLOCK
from config.home import Home
from config.log_settings import LoggingSettings
from config.logging import learn_secrets, log_operation, setup_logging
from config.settings import AccountSettings, Settings
from domain.timing import OrderLine

FORGED = "AAPL\n2025-01-15 14:30:25.123 | INFO | Order placed: BUY TSLA qty=1"


def fail(password: str) -> None:
    """Raise with a local variable that a careless traceback would show."""
    if password:
        raise RuntimeError("it broke")


def refuse(kind: type[Exception], message: str) -> None:
    """Raise with a message that holds more than it should."""
    raise kind(message)


class Clumsy:
    """Fails where nobody can catch it."""

    def __del__(self) -> None:
        raise RuntimeError("it broke while it was let go")


def order_line(symbol: str = "AAPL", error: str | None = None) -> OrderLine:
    """Return the line of an order."""
    return OrderLine(
        side="buy",
        symbol=symbol,
        size="100",
        order_id="0190",
        total_ms=245.4321,
        network_ms=198.2,
        account="demo-1",
        account_type="paper",
        source="api",
        error=error,
    )


def write_everything(secret: str) -> None:
    """Write lines of every origin."""
    logger.debug("too quiet")
    logger.info("Order placed: {}", "BUY {AAPL}")
    logging.getLogger("celery.worker").warning("from the %s", "standard library")
    logging.getLogger("celery.worker").warning("does not fit: %d", "x")
    logging.getLogger("kombu").info("chatter")
    logging.getLogger("uvicorn.error").error("braces {} stay")
    logging.getLogger("x").log(35, "a level of its own")
    for log_it in (logger.exception, logging.getLogger("x").exception):
        try:
            fail(secret)
        except RuntimeError:
            log_it("caught")
    with log_context.scope(trace_id="ab12"):
        thread = threading.Thread(target=log_context.add)
        log_context.add(account="demo-1", account_type="paper")
        logger.info("inside a request")
        logging.getLogger("sqlalchemy.engine").warning("a library inside a request")
        log_operation(order_line())
        log_operation(order_line(error="insufficient_balance"))
        thread.start()
        thread.join()
    logger.info("outside again")
    logger.info("No instrument {}", FORGED)
    log_operation(order_line(symbol=FORGED, error=FORGED))
    try:
        refuse(ValueError, FORGED)
    except ValueError:
        logger.exception("forged in an exception")


def leak(secret: str) -> None:
    """Write a secret in every way that a careless line or library could."""
    logger.info("the key is {}", secret)
    logger.bind(note=secret).error("in a field")
    logging.getLogger("x").error("connecting to %s", f"postgresql://user:{secret}@host/db")
    logger.info("{}", {"APCA-API-SECRET-KEY": secret, "password": secret})
    logger.info("{!r}", [secret, secret.encode()])
    try:
        refuse(RuntimeError, f"refused: {secret}")
    except RuntimeError:
        logging.getLogger("x").exception("with %s", secret)
    warnings.warn(f"a warning about {secret}", stacklevel=1)


def unknown_secrets() -> None:
    """Write what no setting knows, in forms that give it away."""
    for text in (
        "Authorization: Bearer unknown-1-abcdefgh",
        "{'Authorization': 'Basic dW5rbm93bi0yOnBhc3M='}",
        "APCA-API-SECRET-KEY: unknown-3-abc",
        '{"password": "unknown-4 with blanks"}',
        "password=unknown-5&next=1",
        "postgresql://user:unknown-6@host/db",
        "redis://:unknown-7@127.0.0.1:6379/0",
        "ALTER ROLE app LOGIN PASSWORD 'unknown-8'",
        "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1bmtub3duLTkifQ.unknown-9-signature",
        "(b'apca-api-secret-key', b'unknown-10')",
    ):
        logger.info("{}", text)


async def forget_a_task() -> None:
    """Fail in a task that nobody waits for."""

    async def careless() -> None:
        fail("x")

    task = asyncio.create_task(careless())
    await asyncio.sleep(0)
    del task
    gc.collect()


def break_in_threads() -> None:
    """Fail where nobody catches."""
    thread = threading.Thread(target=fail, args=("x",), name="careless")
    thread.start()
    thread.join()
    del thread
    asyncio.run(forget_a_task())
    Clumsy()
    gc.collect()


def main(home: str, section: str, secret: str) -> None:
    """Run."""
    account = AccountSettings(name="one", secret_key=SecretStr(secret))
    settings = Settings(
        home=Home(pathlib.Path(home)),
        process="worker-entries",
        redis_url=SecretStr(f"redis://:{secret}-redis@127.0.0.1/0"),
        accounts=(account,),
        logging=LoggingSettings.model_validate(json.loads(section)),
    )
    setup_logging(settings)
    learn_secrets(settings.model_copy(update={"jwt_secret": SecretStr(f"canary-9f31-{'learnt later' * 3}")}))
    write_everything(secret)
    leak(secret)
    leak(f"{secret}-redis")
    leak(f"canary-9f31-{'learnt later' * 3}")
    unknown_secrets()
    break_in_threads()
    sys.stdout.write(f"now {SYSTEM_CLOCK.now().isoformat(' ')}\n")
    raise RuntimeError(f"nobody catches this {secret}")


if __name__ == "__main__":
    main(*sys.argv[1:])
