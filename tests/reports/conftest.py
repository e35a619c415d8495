"""A report of known rows, read as officers read it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from reports.catalog import Report
from reports.query import Filters, Result, run_report
from tests.support.house import Bed
from tests.support.reports import SAMPLE, Owner, sample

Reader = Callable[..., AbstractContextManager[Result]]


@pytest.fixture(scope="module")
def owner(quiet: Bed) -> Iterator[Owner]:
    """The migrations' login, with the sample's view for the module."""
    with quiet.servers.connect() as connection, sample(connection):
        yield connection


@pytest.fixture
def read(quiet: Bed, owner: Owner) -> Reader:  # noqa: ARG001  the view is there
    """Open the sample, or another report, with filters."""

    def opened(report: Report = SAMPLE, **filters: Any) -> AbstractContextManager[Result]:
        return run_report(quiet.runtime.compliance_database_url, report, Filters(**filters))

    return opened
