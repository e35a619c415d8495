"""Where the data lies."""

import os
from pathlib import Path

import pytest

from config.home import Home, find_home


def test_the_variable_names_the_home(tmp_path: Path) -> None:
    home = find_home({"OPITIOS_HOME": f" {tmp_path}/here/../there "})
    assert home == Home(tmp_path / "there")


def test_a_tilde_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_home({"OPITIOS_HOME": "~/opitios"}).root == tmp_path / "opitios"


@pytest.mark.parametrize("environment", [{}, {"OPITIOS_HOME": ""}, {"OPITIOS_HOME": "  "}])
@pytest.mark.parametrize(("uid", "expected"), [(0, "/var/lib/opitios"), (1000, "{home}/.local/share/opitios")])
def test_without_it_each_user_has_a_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environment: dict[str, str], uid: int, expected: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: uid)  # a test cannot become another user
    assert find_home(environment).root == Path(expected.format(home=tmp_path))


def test_everything_lies_below_the_root(tmp_path: Path) -> None:
    home = Home(tmp_path)
    paths = {home.runtime, home.secrets, home.session, home.postgres, home.redis, home.exchange, home.logs, home.run}
    assert {path.parent for path in paths} == {tmp_path}
    assert len(paths) == 8
