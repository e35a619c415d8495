"""Compliance reports over HTTP: the list, a page at a time, and whole files (FR-005, MON-001)."""

import json
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from api.auth import Officer
from api.exporting import PAGE_S, Export, made_while_wanted, opened
from api.report_query import Given, Known
from api.state import State
from api.tracing import trace_of
from reports.catalog import REPORTS
from reports.pages import read_page
from reports.render import about
from services.report_exports import Asked

router = APIRouter(prefix="/api/v1/reports", tags=["reports"])

Limit = Annotated[int, Query(ge=1, le=1000, description="rows at most")]
Cursor = Annotated[str | None, Query(max_length=4000, description="the next_cursor of an earlier page, unchanged")]


class Form(StrEnum):
    """How an export is written."""

    CSV = "csv"
    JSON = "json"


class ReportOut(BaseModel):
    """A report: what it is about, the columns a table shows, and its filters besides `from` and `to`."""

    name: str
    what: str
    columns: list[str]
    filters: list[str]
    href: str


class ColumnOut(BaseModel):
    """A column: its name, its type in Postgres' words, what it means."""

    name: str
    type: str
    comment: str


class ReportPage(BaseModel):
    """Rows as of a moment, by a query; decimals are strings, times UTC. `next_cursor` is null on the last page."""

    report: str
    what: str
    as_of: str
    filters: dict[str, str]
    query: str
    columns: list[ColumnOut]
    items: list[dict[str, Any]]
    next_cursor: str | None


_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The whole file. Repr-Digest, X-Row-Count, X-Rows-Sha256, X-As-Of and X-Query say what it is.",
        "content": {"text/csv": {}, "application/json": {}},
    }
}


@router.get("", operation_id="listReports")
def get_reports(user: Officer) -> list[ReportOut]:  # noqa: ARG001  the role is enough
    """Return every report that there is."""
    return [
        ReportOut(
            name=report.name,
            what=report.what,
            columns=list(report.shown),
            filters=["account", *report.filters],
            href=f"/api/v1/reports/{report.name}",
        )
        for report in REPORTS.values()
    ]


@router.get("/{name}", operation_id="readReport", response_model=ReportPage)  # noqa: FAST003  the dependency reads it
def get_report(  # noqa: PLR0917  FastAPI passes by name
    report: Known,
    filters: Given,
    state: State,
    user: Officer,  # noqa: ARG001  the role is enough
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """Return a page of a report; what arrives meanwhile moves nothing to another page."""
    secret = state.settings.jwt_secret.get_secret_value().encode()
    with opened(state, report, filters, limit_s=PAGE_S) as result:
        page = read_page(result, cursor=cursor, limit=limit, secret=secret)
        said = json.dumps(about(result), ensure_ascii=False)
    # the rows are JSON already: reading them again would cost more than the query
    body = f'{said[:-1]}, "items": [{",".join(page.items)}], "next_cursor": {json.dumps(page.next_cursor)}}}'
    return Response(body, media_type="application/json")


@router.get("/{name}/export", operation_id="exportReport", response_class=Response, responses=_FILE)  # noqa: FAST003  likewise
async def get_export(  # noqa: PLR0917  FastAPI passes by name
    report: Known,
    filters: Given,
    request: Request,
    state: State,
    user: Officer,
    form: Annotated[Form, Query(alias="format", description="csv or json")] = Form.CSV,
) -> Response:
    """Return a whole report as a file. It is on record before its first byte leaves; leaving early ends the query."""
    asked = Asked(
        report=report.name,
        format=form.value,
        filters=filters,
        source="api",
        started_at=request.scope["opitios.started_at"],
        trace_id=trace_of(request),
    )
    return await made_while_wanted(Export(state, report, asked, user.username), request)
