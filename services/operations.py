"""Timed operations that are no order: broker reads, logins, refusals before an order exists (TRD-001)."""

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.ids import Ids
from models.unit import Unit
from services.origin import Origin


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: what, for whom, how long (ms), how it ended. `corrects` is the id of the one it corrects."""

    operation: str
    started_at: dt.datetime
    occurred_at: dt.datetime
    total_ms: float  # float: milliseconds
    success: bool
    source: str
    trace_id: str
    network_ms: float | None = None  # float: milliseconds
    account_id: uuid.UUID | None = None
    account_name: str | None = None
    account_type: str | None = None
    account_type_source: str | None = None
    symbol: str | None = None
    reason_code: str | None = None
    reason: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    corrects: uuid.UUID | None = None


_INSERT = """
INSERT INTO audit.operations (
  op_date, operation_id, operation, account_id, account_name, account_type, account_type_source, symbol, success,
  reason_code, reason, started_at, occurred_at, total_ms, network_ms, source, actor, host, process, trace_id, detail,
  corrects)
VALUES (
  %(op_date)s, %(operation_id)s, %(operation)s, %(account_id)s, %(account_name)s, %(account_type)s,
  %(account_type_source)s, %(symbol)s, %(success)s, %(reason_code)s, %(reason)s, %(started_at)s, %(occurred_at)s,
  %(total_ms)s, %(network_ms)s, %(source)s, %(actor)s, %(host)s, %(process)s, %(trace_id)s, %(detail)s,
  %(corrects)s)
"""


def record_operation(unit: Unit, operation: Operation, origin: Origin, ids: Ids) -> uuid.UUID:
    """Append one operation to the audit trail; return its id."""
    operation_id = ids.new()
    unit.run(
        _INSERT,
        {
            "op_date": operation.occurred_at.date(),
            "operation_id": operation_id,
            "operation": operation.operation,
            "account_id": operation.account_id,
            "account_name": operation.account_name,
            "account_type": operation.account_type,
            "account_type_source": operation.account_type_source,
            "symbol": operation.symbol,
            "success": operation.success,
            "reason_code": operation.reason_code,
            "reason": operation.reason,
            "started_at": operation.started_at,
            "occurred_at": operation.occurred_at,
            "total_ms": round(operation.total_ms, 3),
            "network_ms": None if operation.network_ms is None else round(operation.network_ms, 3),
            "source": operation.source,
            "actor": origin.actor,
            "host": origin.host,
            "process": origin.process,
            "trace_id": operation.trace_id,
            "detail": json.dumps(dict(operation.detail)),
            "corrects": operation.corrects,
        },
    )
    return operation_id
