"""Servers and exchange of these tests alone: their processes take accounts from files of their own."""

from collections.abc import Iterator

import pytest

from tests.support.house import Bed, bed


@pytest.fixture(scope="session")
def quay() -> Iterator[Bed]:
    """Servers and exchange without our processes, but for the streams that a test starts."""
    with bed() as made:
        yield made
