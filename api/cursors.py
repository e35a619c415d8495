"""Where a page ended, as a text that callers hand back unchanged: the time and the id of its last row."""

import base64
import datetime as dt
import re
import uuid
from typing import Any

from domain.errors import InvalidRequest
from domain.orders import FieldProblem
from domain.timing import safe

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


def rfc_3339(value: Any) -> Any:
    """Return a time's text. Raises ValueError for what has no offset or another form."""
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        return value
    message = "a time as RFC 3339 says, with its offset: 2026-11-21T14:30:00Z (a + is %2B in a URL)"
    raise ValueError(message)


def write_cursor(when: dt.datetime, row_id: uuid.UUID) -> str:
    """Return the cursor of a page whose last row has this time and id."""
    return base64.urlsafe_b64encode(f"{when.astimezone(dt.UTC).isoformat()} {row_id}".encode()).decode()


def read_cursor(cursor: str) -> tuple[dt.datetime, uuid.UUID]:
    """Return time and id of a page's last row. Raises InvalidRequest for a cursor that is not ours."""
    try:
        when, _, row_id = base64.b64decode(cursor, altchars=b"-_", validate=True).decode("ascii").partition(" ")
        return dt.datetime.fromisoformat(rfc_3339(when)), uuid.UUID(row_id)
    except ValueError:
        problem = FieldProblem("cursor", safe(cursor), "the next_cursor of an earlier page, unchanged")
        raise InvalidRequest("not as expected: cursor", [problem]) from None
