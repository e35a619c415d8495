"""The simulated exchange held against the brokers' OpenAPI files: `python -m tools.openapi_compare SPEC.json ...`.

A development command, because the files are not ours to keep here. It starts an exchange, sends the example requests of
`tools/openapi/` for every described operation that the exchange implements, and judges each answer: its status, its
headers and its body against the schema, in which a field that is not described is a deviation too.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from aiohttp import web

from exchange.alpaca_routes import routes
from exchange.engine import Engine
from exchange.journal import Journal
from exchange.matching import Matcher
from exchange.world import World
from tests.support.exchange import ExchangeProcess
from tools.openapi.comparison import Example, Report, compare
from tools.openapi.data_examples import MARKET_DATA, REFERENCE
from tools.openapi.scene import Scene
from tools.openapi.specification import Specification, route_key
from tools.openapi.trading_examples import TRADING

EXAMPLES: Mapping[str, Sequence[Example]] = {**MARKET_DATA, **REFERENCE, **TRADING}


def main(arguments: list[str] | None = None, examples: Mapping[str, Sequence[Example]] = EXAMPLES) -> int:
    """Compare and print; 0 without a deviation, 1 with one, 2 when a file cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m tools.openapi_compare", description=__doc__)
    parser.add_argument("specifications", metavar="SPEC.json", type=Path, nargs="+", help="an OpenAPI 3.0 file")
    given = parser.parse_args(arguments)
    try:
        specifications = [Specification.read(path) for path in given.specifications]
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"cannot be read as OpenAPI: {error}\n")
        return 2
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        with ExchangeProcess(home / "exchange") as exchange, Scene(exchange) as scene:
            report = compare(specifications, implemented_routes(home / "routes"), examples, scene.ask)
    print(shown(report))
    return 1 if report.deviations else 0


def implemented_routes(directory: Path) -> set[str]:
    """Read the route keys off the exchange's own table; `directory` takes the journal of a world that never runs."""
    journal = Journal(directory)
    try:
        engine = Engine(journal)
        world = World(engine, Matcher(engine, lambda _delay, _function: None), asyncio.Event())
        app = web.Application()
        app.add_routes(routes(world))
        return {
            route_key(route.method, route.resource.canonical)
            for route in app.router.routes()
            if route.resource is not None
        }
    finally:
        journal.close()


def shown(report: Report) -> str:
    """Give the report as the lines of a terminal."""
    names = [row.operation.name for row in report.rows]
    width = max(map(len, names), default=0)
    lines = [f"{'operation':<{width}}  requests  deviations"]
    for row in report.rows:
        lines.append(f"{row.operation.name:<{width}}  {row.requests:>8}  {len(row.deviations):>10}")
        lines += [f"    {deviation}" for deviation in row.deviations]
    lines += ["", f"not implemented ({len(report.missing)}):", *(f"    {gone.name}" for gone in report.missing)]
    lines += ["", f"implemented, not in these files ({len(report.undescribed)}):"]
    lines += [f"    {key}" for key in report.undescribed]
    requests, beyond = sum(row.requests for row in report.rows), sum(row.beyond for row in report.rows)
    counts = f"{len(report.rows)} operations compared, {requests} requests ({beyond} of statuses the files leave out)"
    return "\n".join([*lines, "", f"{counts}, {len(report.missing)} not implemented, {report.deviations} deviations"])


if __name__ == "__main__":
    sys.exit(main())
