"""The API served in the test's process, on real servers, without workers: an order stands where the test leaves it."""

import uuid
from collections.abc import Iterator

import jwt
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api.auth import issue_token
from api.main import create_app
from models.users import Role
from services.instruments import store_listings
from services.user_admin import add_user
from services.users import create_first_admin, find_user, hash_password
from tests.support.desk import Desk, DeskMaker, desks
from tests.support.serving import Caller, serve

SECRET = "0123456789abcdef0123456789abcdef"
PASSWORD = "a password of test"


@pytest.fixture(scope="session")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskMaker]:
    with desks(tmp_path_factory.mktemp("exchange")) as made:
        yield made


@pytest.fixture
def desk(maker: DeskMaker) -> Iterator[Desk]:
    with maker.desk() as made:
        ctx = made.ctx
        with ctx.database.unit() as unit:
            store_listings(unit, "alpaca", [("AAPL", "us_equity", "Apple", True, True)], ctx.clock.now())
            create_first_admin(unit, PASSWORD, now=ctx.clock.now(), ids=ctx.ids, origin=ctx.origin)
        yield made


def token_for(desk: Desk, role: Role, *, age_s: int = 0) -> dict[str, str]:
    """Return the header of a new user of this role, signed in so many seconds ago."""
    name = f"user-{uuid.uuid4().hex[:12]}"  # noqa: TID251  a name nobody else has
    with desk.ctx.database.unit() as unit:
        add_user(unit, name, role, password_hash=hash_password("a long password"), stamp=desk.stamp())
    now = desk.ctx.clock.now().timestamp() - age_s
    claims = {"sub": name, "ver": 1, "aud": "opitios", "iat": now, "exp": now + 3600}
    return {"Authorization": f"Bearer {jwt.encode(claims, SECRET, 'HS256')}"}


def token_of(app: FastAPI) -> str:
    """Return a token of the admin."""
    state = app.state.opitios
    with state.database.statement() as unit:
        user = find_user(unit, "admin")
    assert user is not None
    return issue_token(state, user)[0]


@pytest.fixture
def app(desk: Desk) -> FastAPI:
    return create_app(desk.ctx.settings.model_copy(update={"jwt_secret": SecretStr(SECRET)}))


@pytest.fixture
def client(app: FastAPI) -> Iterator[Caller]:
    with serve(app, token_of(app)) as made:
        yield made
