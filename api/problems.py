"""Errors as RFC 9457 problem+json: field, value and expectation, a trace id, nothing secret, never a bare 500."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from loguru import logger
from starlette.exceptions import HTTPException

from api.refusals import record_refusal
from api.tracing import trace_of
from config.redaction import names_a_secret
from domain.errors import DomainError, InvalidOrder, InvalidRequest, OutcomeUnknown, StoreUnavailable
from domain.orders import FieldProblem, short
from domain.timing import safe
from models.unit import StoreAway

PROBLEM_JSON = "application/problem+json"
_MAX_VALUE = 100
_ORDERS = "/api/v1/orders"


def problem(
    request: Request,
    *,
    code: str,
    status: int,
    title: str,
    detail: str,
    problems: Iterable[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """Return one problem; `more` are its typed fields."""
    body: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "trace_id": trace_of(request),
        **more,
    }
    errors = [{"field": item.field, "value": item.value, "expected": item.expected} for item in problems]
    if errors:
        body["errors"] = errors
    return JSONResponse(body, status, media_type=PROBLEM_JSON, headers=dict(headers or {}))


def invalid(request: Request, error: RequestValidationError) -> DomainError:
    """Return pydantic's findings in the house's form: an order's body is an invalid order, anything else is not."""
    problems = [_field_problem(item) for item in error.errors()]
    names = ", ".join(item.field for item in problems)
    of_order = request.url.path.startswith(_ORDERS) and any(item["loc"][0] == "body" for item in error.errors())
    return (InvalidOrder if of_order else InvalidRequest)(f"not as expected: {names}", problems)


def from_domain(
    request: Request, error: DomainError, *, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Return the problem of a domain error."""
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers = {"WWW-Authenticate": "Bearer"}
    if error.retry_after_s is not None:
        headers = {"Retry-After": str(error.retry_after_s)}
    return problem(
        request,
        code=error.code,
        status=error.status,
        title=error.title,
        detail=error.detail,
        problems=error.problems,
        headers=headers,
        **more,
    )


def install(app: FastAPI) -> None:
    """Register the handlers."""

    @app.exception_handler(DomainError)
    def domain(request: Request, error: DomainError) -> JSONResponse:
        record_refusal(request, error, None)
        if isinstance(error, OutcomeUnknown):
            return from_domain(request, error, headers={"Location": error.location}, outcome="unknown")
        return from_domain(request, error)

    @app.exception_handler(RequestValidationError)
    def validation(request: Request, error: RequestValidationError) -> JSONResponse:
        refusal = invalid(request, error)
        record_refusal(request, refusal, error.body)
        return from_domain(request, refusal)

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> JSONResponse:
        title = HTTPStatus(error.status_code).phrase
        said = str(error.detail)
        detail = f"{safe(request.method)} {safe(request.url.path)}: {'no such path' if said == 'Not Found' else said}"
        code = title.lower().replace(" ", "_")
        return problem(request, code=code, status=error.status_code, title=title, detail=detail, headers=error.headers)

    @app.exception_handler(StoreAway)
    def store(request: Request, error: Exception) -> JSONResponse:
        logger.error("The database did not answer: {}", type(error).__name__)
        return from_domain(request, StoreUnavailable("nothing was written; try again in a moment"))

    @app.exception_handler(Exception)
    def unexpected(request: Request, error: Exception) -> JSONResponse:
        # this handler stands outside the scope of the request
        logger.bind(trace_id=trace_of(request)).opt(exception=error).error(
            "Unexpected {} at {}", type(error).__name__, safe(request.url.path)
        )
        detail = "an unexpected error was logged under this trace id"
        return problem(request, code="internal", status=500, title="Internal error", detail=detail)


def _field_problem(item: Mapping[str, Any]) -> FieldProblem:
    # the first part says where the field was sought; numbers are places in a list or in unreadable JSON
    path = [safe(part)[:_MAX_VALUE] for part in item["loc"][1:] if isinstance(part, str)]
    field = ".".join(path) or "body"
    kind = str(item["type"])
    if kind == "missing":
        return FieldProblem(field, "missing", "a value")
    if kind in {"json_invalid", "model_attributes_type", "dict_type"} or field == "body":
        return FieldProblem("body", "not readable", "one JSON object")
    return FieldProblem(field, _shown(field, item.get("input")), _expected(kind, item))


def _shown(field: str, value: Any) -> str:
    if names_a_secret(field) or isinstance(value, dict | list):  # those hold fields of their own
        return "(not shown)"
    text = short(value) if isinstance(value, Decimal) else str(value)
    return safe(text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}... ({len(text)} characters)")


def _expected(kind: str, item: Mapping[str, Any]) -> str:
    context = item.get("ctx") or {}
    known = {
        "finite_number": "a finite number",
        "decimal_parsing": 'a decimal number, best as a string such as "10" or "0.5"',
        "decimal_type": 'a decimal number, best as a string such as "10" or "0.5"',
        "extra_forbidden": "no such field",
        "decimal_max_digits": f"at most {context.get('max_digits')} digits",
        "decimal_whole_digits": f"at most {context.get('whole_digits')} digits before the point",
        "decimal_max_places": f"at most {context.get('decimal_places')} decimals",
        "enum": f"one of {context.get('expected')}",
        "greater_than": f"more than {context.get('gt')}",
        "value_error": str(context.get("error")),
    }
    return known.get(kind, str(item.get("msg", "another value")))
