"""The two logs of a process, application and error, and what else a process writes about itself (QUA-002, FR-004).

Every line of every process leaves here: those of the house, of the standard library (uvicorn, Celery, SQLAlchemy,
Alembic), warnings, and what nobody caught. How it reads is in `log_lines`, where it lies in `log_files`.
"""

import logging
import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from loguru import logger

from config.log_files import Keeping, LogFile
from config.log_lines import LAYOUTS, Layout, line_of
from config.redaction import Redactor, secrets_in
from domain.timing import Line

if TYPE_CHECKING:
    from loguru import Message

    from config.settings import Settings

_REDACT = Redactor()
_QUIET = ("kombu", "amqp", "urllib3", "asyncio", "celery.worker.strategy", "celery.app.trace")


def setup_logging(settings: "Settings") -> None:
    """Send this process's lines where the section `logging` says; to be called once, before anything is logged.

    `logs/app/<process>.log` gets the lines of the level and above, `logs/errors/<process>.log` those of ERROR.
    Containers take `to: stdout` instead. The console is for development.
    """
    chosen, process = settings.logging, settings.process
    learn_secrets(settings)
    layout = LAYOUTS[chosen.format]
    logger.remove()
    if chosen.to == "stdout":
        _add(_Sink(_Stream(sys.stdout), layout, process), chosen.level)
    else:
        for folder, level, age in (
            ("app", chosen.level, chosen.retention_app),
            ("errors", "ERROR", chosen.retention_errors),
        ):
            file = LogFile(settings.home.logs / folder, process, Keeping(chosen.rotation, age))
            _add(_Sink(file, layout, process), level)
        if sys.stderr.isatty() if chosen.console is None else chosen.console:
            _add(_Sink(_Stream(sys.stderr), LAYOUTS["text"], process), chosen.level)
    _take_over(logging.getLevelName(chosen.level))


def learn_secrets(settings: "Settings") -> None:
    """Hide the secrets of these settings too, from now on: for settings that change while the process runs."""
    _REDACT.learn(secrets_in(settings))


def setup_console() -> None:
    """Show warnings on stderr and keep nothing: for commands, whose output is for a person."""
    logger.remove()
    _add(_Sink(_Stream(sys.stderr), LAYOUTS["text"], "cli"), "WARNING")
    _take_over(logging.WARNING)


def log_operation(line: Line, **more: str) -> None:
    """Write the documented line of one operation with more fields of its own; a failure is an error (TRD-001)."""
    logger.bind(**line.fields(), **more).log("INFO" if line.success else "ERROR", "{}", line.message)


class _Sink:
    """What loguru hands a record to: the record goes through the redaction into a layout and out."""

    def __init__(self, out: "LogFile | _Stream", layout: Layout, process: str) -> None:
        self._out, self._layout, self._process = out, layout, process

    def write(self, message: "Message") -> None:
        self._out.write(self._layout(line_of(message.record, _REDACT), self._process))

    def stop(self) -> None:
        self._out.close()


class _Stream:
    """stdout or stderr; one that has been closed is no reason to stop working."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            return

    def close(self) -> None:
        """Leave the stream to its owner."""


class _Intercept(logging.Handler):
    """Hands standard-library records to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record at its own level."""
        try:
            level: str | int = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno
        logger.opt(exception=record.exc_info).log(level, "{}", _message_of(record))


def _message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001  a library whose arguments do not fit its own text must not stop an order
        return str(record.msg)


def _add(sink: _Sink, level: str) -> None:
    # loguru formats nothing: its own text would pass by the redaction
    logger.add(sink, level=level, format=_nothing, diagnose=False, backtrace=False)


def _nothing(_record: Any) -> str:
    return ""


def _take_over(level: int) -> None:
    """Take the standard library's records, warnings, and what nobody caught in whichever thread."""
    logging.basicConfig(handlers=[_Intercept()], level=level, force=True)
    logging.captureWarnings(capture=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logger.opt(exception=(kind, error, trace)).critical("Uncaught {}", kind.__name__)


def _uncaught_in_thread(caught: threading.ExceptHookArgs) -> None:
    if caught.exc_value is None or isinstance(caught.exc_value, SystemExit):
        return
    name = "a thread" if caught.thread is None else caught.thread.name
    given = (caught.exc_type, caught.exc_value, caught.exc_traceback)
    logger.opt(exception=given).critical("Uncaught {} in {}", caught.exc_type.__name__, name)


def _unraisable(caught: "sys.UnraisableHookArgs") -> None:
    given = (caught.exc_type, caught.exc_value, caught.exc_traceback)
    logger.opt(exception=given).error("Ignored {} in {}", caught.exc_type.__name__, type(caught.object).__name__)
