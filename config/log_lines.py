"""What a record of loguru becomes: its parts, freed of secrets, then one line of text or one object of JSON."""

import datetime as dt
import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from config.log_context import current
from config.redaction import Redactor
from domain.timing import escaped_lines, render

_BETWEEN = "\n\0\n"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One record: when (UTC), how bad, what, its fields, and a traceback or the empty text."""

    time: dt.datetime
    level: str
    message: str
    fields: Mapping[str, object]
    traceback: str


Layout = Callable[[LogLine, str], str]


def line_of(record: Mapping[str, Any], redact: Redactor) -> LogLine:
    """Return the record's parts without secrets; fields of the request or task yield to the record's own.

    A traceback is the interpreter's own: it says where, never what a variable held.
    """
    error = record["exception"]
    trace = "" if error is None else "".join(traceback.format_exception(error.type, error.value, error.traceback))
    fields = {**current(), **record["extra"]}
    texts = {name: value for name, value in fields.items() if isinstance(value, str)}
    whole = _BETWEEN.join([record["message"], trace, *texts.values()])
    message = record["message"]
    if redact(whole) != whole:
        message, trace = redact(message), redact(trace)
        fields |= {name: redact(f"{name}={value}").removeprefix(f"{name}=") for name, value in texts.items()}
    return LogLine(record["time"].astimezone(dt.UTC), record["level"].name, message, fields, trace)


def as_text(line: LogLine, _process: str) -> str:
    """`2025-01-15 14:30:25.123 | INFO | message | fields`; a traceback follows, indented."""
    stamp = line.time.isoformat(" ", "milliseconds")[:23]
    trace = escaped_lines(line.traceback) if line.traceback else ""
    return f"{stamp} | {line.level} | {render(line.message, line.fields)}{trace}\n"


def as_json(line: LogLine, process: str) -> str:
    """One object with the same fields; durations are rounded to the microsecond."""
    head = {"time": line.time.isoformat(timespec="milliseconds"), "level": line.level, "message": line.message}
    fields = {name: round(value, 3) if isinstance(value, float) else value for name, value in line.fields.items()}
    tail = {"traceback": line.traceback} if line.traceback else {}
    return json.dumps({**fields, **head, "process": process, **tail}, default=str) + "\n"


LAYOUTS: Mapping[str, Layout] = {"text": as_text, "json": as_json}
