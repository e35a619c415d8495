"""The API application: thin, light, and without any way to a broker (DESIGN section 1)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api import problems
from api.body_limit import BodyLimit
from api.routes import (
    account_pool,
    accounts,
    admin_accounts,
    admin_orders,
    admin_users,
    alerts,
    audit,
    auth,
    configuration,
    corrections,
    health,
    orders,
    reports,
    sell,
)
from api.state import make_state
from api.tracing import Tracing
from config.settings import Settings, load_settings


def create_app(settings: Settings | None = None, *, live: bool = False) -> FastAPI:
    """Return the application; without settings they are read from the environment.

    `live`: changes of the file they came from take effect while it serves.
    """
    state = make_state(settings or load_settings())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if live:
            state.live.start()
        yield
        state.live.stop()
        state.tell_stop()
        state.waiting.close()
        state.hints.close()
        state.breakers.close()
        state.database.dispose()

    app = FastAPI(
        title="Opitios",
        version="0.1.0",
        description="Orders for several broker accounts, with proof of what happened.",
        lifespan=lifespan,
    )
    app.state.opitios = state
    app.add_middleware(BodyLimit)
    app.add_middleware(Tracing)
    problems.install(app)
    for part in (
        auth,
        orders,
        accounts,
        alerts,
        audit,
        sell,
        admin_users,
        admin_accounts,
        admin_orders,
        account_pool,
        configuration,
        corrections,
        reports,
        health,
    ):
        app.include_router(part.router)
    return app
