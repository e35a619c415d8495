"""What a worker may be called, and what it does once it is ready."""

import gc

import pytest

from tasks.worker import _kind, main, settle


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("entries", "entries"),
        ("exits-2", "exits"),
        ("sell", "sell"),
        ("background@host", "background"),
        ("background-12@host", "background"),
        ("", None),
        ("entries-", None),
        ("entries-two", None),
        ("sells", None),
        ("xentries", None),
    ],
)  # fmt: skip
def test_a_workers_name_is_its_kind_and_a_number(name: str, kind: str | None) -> None:
    assert _kind(name) == kind


@pytest.mark.parametrize("arguments", [[], ["sells"], ["entries", "exits"]])
def test_another_name_is_told_what_is_expected(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err == "usage: python -m tasks.worker entries|exits|sell|background[-NUMBER]\n"


def test_collections_leave_alone_what_the_start_has_made() -> None:
    kept = [[] for _ in range(1000)]  # type: ignore[var-annotated]
    try:
        settle()
        assert gc.get_freeze_count() > len(kept)
    finally:
        gc.unfreeze()
