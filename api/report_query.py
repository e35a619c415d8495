"""What `GET /api/v1/reports/{name}` may be asked: account, days, and whatever filters the report has of its own."""

import datetime as dt
from typing import Annotated

from fastapi import Depends, Path, Query, Request

from domain.errors import UnknownReport
from domain.timing import safe
from reports.catalog import REPORTS, Report
from reports.filters import Filters, own_filters

_COMMON = frozenset({"account", "from", "to"})
_PAGE = frozenset({"cursor", "limit"})
_EXPORT = frozenset({"format"})
_OWN = "; the report's own filters are parameters by their names (GET /api/v1/reports lists them)"

Account = Annotated[str | None, Query(max_length=100, description=f"one account's rows alone{_OWN}")]
First = Annotated[dt.date | None, Query(alias="from", description="first day, UTC")]
Last = Annotated[dt.date | None, Query(alias="to", description="last day, UTC")]


async def _known(name: Annotated[str, Path(max_length=100, description="a report's name")]) -> Report:
    if name not in REPORTS:
        raise UnknownReport(f"no report {safe(name)}; there are: {', '.join(REPORTS)}")
    return REPORTS[name]


async def _filters(request: Request, account: Account = None, first: First = None, last: Last = None) -> Filters:
    own = _EXPORT if request.url.path.endswith("/export") else _PAGE
    given = [pair for pair in request.query_params.multi_items() if pair[0] not in _COMMON | own]
    return Filters(account=account, first_day=first, last_day=last, own=own_filters(given))


Known = Annotated[Report, Depends(_known)]
"""The report that the path names; 404 for any other."""
Given = Annotated[Filters, Depends(_filters)]
"""The filters of the query; what the report does not have is refused when its columns are known."""
