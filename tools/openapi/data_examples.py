"""Example requests for market data and reference paths; `{names}` are the scene's (tools/openapi/scene.py)."""

from collections.abc import Mapping, Sequence

from tools.openapi.comparison import Example

MARKET_DATA: Mapping[str, Sequence[Example]] = {
    "GET /v2/stocks/quotes/latest": (
        Example("/v2/stocks/quotes/latest?symbols=AAPL,SNDL,NOPE&feed=iex"),
        Example("/v2/stocks/quotes/latest", 400),
    ),
    "GET /v2/stocks/trades/latest": (
        Example("/v2/stocks/trades/latest?symbols=AAPL,SNDL,NOPE"),
        Example("/v2/stocks/trades/latest", 400),
    ),
    "GET /v1beta1/options/quotes/latest": (
        Example("/v1beta1/options/quotes/latest?symbols={call},{put}"),
        Example("/v1beta1/options/quotes/latest?symbols={many_options}", 400),
    ),
    "GET /v1beta1/options/trades/latest": (
        Example("/v1beta1/options/trades/latest?symbols={call},{put}"),
        Example("/v1beta1/options/trades/latest?symbols={many_options}", 400),
    ),
}

REFERENCE: Mapping[str, Sequence[Example]] = {
    "GET /v2/assets": (
        Example("/v2/assets"),
        Example("/v2/assets?status=active&asset_class=us_equity&exchange=NYSE"),
        Example("/v2/assets?asset_class=crypto"),
    ),
    "GET /v2/assets/{symbol_or_asset_id}": (Example("/v2/assets/AAPL"), Example("/v2/assets/NOPE", 404)),
    "GET /v2/clock": (Example("/v2/clock"),),
}
