"""Two admins act at once: one of them stays, whoever comes second."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Waiting

import pytest

from config.clock import SYSTEM_CLOCK
from config.ids import SYSTEM_IDS
from domain.errors import LastAdmin
from models.users import Role
from services.origin import Stamp
from services.user_admin import add_user, change_user, list_users
from tests.support.house import TEST_ORIGIN, Bed

STAMP = Stamp(SYSTEM_CLOCK.now(), SYSTEM_IDS, TEST_ORIGIN)


@pytest.fixture
def admins(quiet: Bed) -> Iterator[tuple[str, str]]:
    """The only two admins that are not disabled."""
    first, second = (f"admin-{uuid.uuid4().hex}" for _ in range(2))  # noqa: TID251  names nobody else has
    with quiet.database.unit() as unit:
        unit.run("UPDATE trading.users SET disabled = true WHERE role = 'admin'")
        for name in (first, second):
            add_user(unit, name, Role.ADMIN, password_hash="x", stamp=STAMP)
    yield first, second
    with quiet.database.unit() as unit:
        unit.run("UPDATE trading.users SET disabled = username <> 'admin' WHERE role = 'admin'")


def demote(bed: Bed, name: str) -> None:
    with bed.database.unit() as unit:
        change_user(unit, name, role=Role.TRADER, stamp=STAMP)


def test_of_two_admins_who_end_each_other_at_once_one_stays(quiet: Bed, admins: tuple[str, str]) -> None:
    first, second = admins
    with ThreadPoolExecutor(1) as pool:
        with quiet.database.unit() as unit:
            change_user(unit, first, disabled=True, stamp=STAMP)
            other = pool.submit(demote, quiet, second)
            with pytest.raises(Waiting):
                other.result(0.3)
        with pytest.raises(LastAdmin, match=second):
            other.result(5)
    with quiet.database.statement() as unit:
        left = [user.username for user in list_users(unit) if user.role == "admin" and not user.disabled]
    assert left == [second]


def test_a_change_that_changes_nothing_is_no_row_in_the_trail(quiet: Bed, admins: tuple[str, str]) -> None:
    with quiet.database.unit() as unit:
        change_user(unit, admins[0], role=Role.ADMIN, disabled=False, stamp=STAMP)
        rows = unit.rows(
            "SELECT subject FROM audit.config_changes WHERE new->>'username' = %(name)s", {"name": admins[0]}
        )
    assert [row.subject for row in rows] == ["user created"]
