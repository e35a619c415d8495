"""Runs the API: `python -m api`; loopback by default, access lines off (every order has its own line)."""

import uvicorn

from api.main import create_app
from config.logging import setup_logging
from config.settings import load_settings


def main() -> None:
    """Serve until SIGTERM."""
    settings = load_settings()
    setup_logging(settings)
    uvicorn.run(
        create_app(settings),
        host=settings.api_host,
        port=settings.api_port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # no caller is trusted for its address
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
