"""The cards' assertions explain themselves as a test's own do."""

import pytest

pytest.register_assert_rewrite(
    *(f"tests.conformance.{name}" for name in ("cards_placing", "cards_working", "cards_reading"))
)
