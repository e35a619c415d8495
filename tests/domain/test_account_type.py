"""Paper or live: what the account's number says, and what it is worth."""

import pytest

from domain.account_type import AccountType, AccountTypeReading, AccountTypeSource, detect, disagreement, masked

PAPER, LIVE = AccountType.PAPER, AccountType.LIVE


@pytest.mark.requirement("ACC-001", "FR-001")
@pytest.mark.parametrize(
    ("number", "account_type"),
    [
        ("PA3JR0GVVEN0", PAPER),
        ("PALPACA_123", PAPER),  # Alpaca's own example
        ("PA", PAPER),  # the bare prefix counts
        ("pa3JR0GVVEN0", LIVE),  # capitals only
        ("pa1", LIVE),
        ("APA123", LIVE),
        ("XPA123", LIVE),
        ("P", LIVE),
        ("123456789", LIVE),
        (" PA123", LIVE),
    ],
)
def test_the_number_tells_the_kind(number: str, account_type: AccountType) -> None:
    assert detect(number) == AccountTypeReading(account_type, AccountTypeSource.DETECTED)


@pytest.mark.requirement("ACC-001", "FR-001")
@pytest.mark.parametrize("number", [None, ""])
def test_without_a_number_paper_rights_are_a_marked_fallback(number: str | None) -> None:
    reading = detect(number)

    assert (reading.account_type, reading.source) == (PAPER, AccountTypeSource.FALLBACK)
    assert reading.reason


@pytest.mark.requirement("ACC-001")
@pytest.mark.parametrize("number", [None, "", "PA3JR0GVVEN0", "123456789"])
@pytest.mark.parametrize("override", AccountType)
def test_an_override_wins_over_any_number_and_names_what_it_stands_against(
    number: str | None, override: AccountType
) -> None:
    detected = detect(number).account_type if number else "nothing"
    reason = f"overridden, detected: {detected}"
    assert detect(number, override) == AccountTypeReading(override, AccountTypeSource.OVERRIDE, reason)


@pytest.mark.requirement("ACC-001")
@pytest.mark.parametrize(
    ("configured_paper", "number", "disagrees"),
    [
        (True, "PA1", False),
        (False, "123", False),
        (True, "123", True),  # the dangerous one: thought to be paper, trades money
        (False, "PA1", True),
        (None, "123", False),  # nothing was configured
        (False, None, False),  # nothing was detected
    ],
)
def test_configuration_and_number_may_disagree(
    configured_paper: bool | None,  # noqa: FBT001  a table's column
    number: str | None,
    disagrees: bool,  # noqa: FBT001  a table's column
) -> None:
    assert (disagreement(configured_paper, detect(number)) is not None) is disagrees


@pytest.mark.requirement("ACC-001")
def test_a_disagreement_names_both_sides() -> None:
    assert disagreement(True, detect("123")) == "configured as paper, the broker's account number says live"  # noqa: FBT003  as configured


@pytest.mark.requirement("ACC-001")
def test_a_disagreement_with_an_override_blames_the_override() -> None:
    assert disagreement(True, detect("PA1", LIVE)) == "configured as paper, its override says live"  # noqa: FBT003  as configured


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("PA3JR0GVVEN0", "PA...VEN0"),
        ("123456789", "12...6789"),
        ("12345678", "12...5678"),
        ("PA12345", "..."),
        (None, "unknown"),
    ],
)
def test_a_number_is_shown_in_part(number: str | None, shown: str) -> None:
    assert masked(number) == shown
