"""Two text logs a process, application and error, in the documented form (QUA-002, FR-004).

`2025-01-15 14:30:25.123 | INFO | message`, times in UTC. One file a process, never shared: lines were lost when two
processes rotated one file. Records of the standard library (Celery, uvicorn) go the same way.
"""

import logging
import sys
from typing import TYPE_CHECKING

from loguru import logger

from config.home import Home

if TYPE_CHECKING:
    from types import FrameType

_FORMAT = "{time:YYYY-MM-DD HH:mm:ss.SSS!UTC} | {level} | {message}"
_QUIET = ("kombu", "amqp", "urllib3", "asyncio", "celery.worker.strategy", "celery.app.trace")


class _Intercept(logging.Handler):
    """Hands standard-library records to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record at its own level, from its own place."""
        try:
            level: str | int = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno
        frame: FrameType | None = logging.currentframe()
        depth = 0
        while frame is not None and (depth == 0 or frame.f_code.co_filename == logging.__file__):
            frame, depth = frame.f_back, depth + 1
        logger.opt(depth=depth, exception=record.exc_info).log(level, "{}", record.getMessage())


def setup_logging(home: Home, process: str, *, console: bool = False) -> None:
    """Send this process's lines to `logs/app/<process>.log` and its errors to `logs/errors/<process>.log`.

    Tracebacks never show values of variables (`diagnose=False`): they may be secrets.
    """
    logger.remove()
    for folder, level in (("app", "INFO"), ("errors", "ERROR")):
        logger.add(
            home.logs / folder / f"{process}.log",
            level=level,
            format=_FORMAT,
            rotation="50 MB",
            retention="14 days" if folder == "app" else "60 days",
            compression="gz",
            encoding="utf-8",
            diagnose=False,
            backtrace=False,
        )
    if console:
        logger.add(sys.stderr, level="INFO", format=_FORMAT, diagnose=False, backtrace=False)
    logging.basicConfig(handlers=[_Intercept()], level=logging.INFO, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
