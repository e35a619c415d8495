"""Example requests for market data and reference paths; `{names}` are the scene's (tools/openapi/scene.py)."""

from collections.abc import Iterator, Mapping, Sequence

from tools.openapi.comparison import Example

_STOCKS, _OPTIONS = "/v2/stocks", "/v1beta1/options"
_WEEK = "start=2026-11-02&end=2026-11-06"
_MINUTES = "start=2026-11-06T14:30:00Z&end=2026-11-06T14:35:00Z"
_REFUSED = (
    "start=yesterday",
    "start=2026-11-06&end=2026-11-02",
    "limit=0",
    "limit=10001",
    "sort=up",
    "page_token=nothing",
    "feed=opra",
    "asof=never",
)
_REFUSED_OPTIONS = ("end=tomorrow", "limit=10001", "page_token=nothing", "sort=up")


def _refused(path: str, terms: Sequence[str]) -> Iterator[Example]:
    return (Example(f"{path}&{term}", 400) for term in terms)


def _of_stocks() -> Iterator[tuple[str, Sequence[Example]]]:
    for kind, range_, more in (
        ("bars", _WEEK, "&timeframe=1Hour"),
        ("quotes", _MINUTES, ""),
        ("trades", _MINUTES, ""),
    ):
        several, one = f"{_STOCKS}/{kind}?symbols=AAPL,SPY,NOPE{more}", f"{_STOCKS}/AAPL/{kind}?{more[1:]}"
        for path, ask in ((kind, several), (f"{{symbol}}/{kind}", one)):
            yield (
                f"GET {_STOCKS}/{path}",
                (
                    Example(f"{ask}&{range_}"),
                    Example(f"{ask}&{range_}&limit=2&sort=desc&feed=iex&currency=USD&asof=2026-11-01"),
                    Example(f"{ask}&start=2010-01-01&end=2010-01-02", empty=True),
                    *_refused(ask, _REFUSED),
                ),
            )
        yield (
            f"GET {_STOCKS}/{kind}/latest",
            (
                Example(f"{_STOCKS}/{kind}/latest?symbols=AAPL,SNDL,SPY,NOPE&feed=iex"),
                Example(f"{_STOCKS}/{kind}/latest", 400),
                Example(f"{_STOCKS}/{kind}/latest?symbols=AAPL&currency=EUR", 400),
                Example(f"{_STOCKS}/{kind}/latest?symbols=A*", 400),
            ),
        )
        yield (
            f"GET {_STOCKS}/{{symbol}}/{kind}/latest",
            (Example(f"{_STOCKS}/KO/{kind}/latest?currency=USD"), Example(f"{_STOCKS}/NOPE/{kind}/latest", 400)),
        )


_BARS = (
    *(
        Example(f"{_STOCKS}/bars?symbols=AAPL&{_WEEK}&timeframe={length}&adjustment=split,dividend")
        for length in ("1T", "59Min", "23H", "1D", "1Week")
    ),
    Example(f"{_STOCKS}/bars?symbols=AAPL&start=2024-01-01&timeframe=12Month&adjustment=all"),
    *(Example(f"{_STOCKS}/bars?symbols=AAPL&timeframe={length}", 400) for length in ("60Min", "2Day", "5Month", "")),
    Example(f"{_STOCKS}/bars?symbols=AAPL", 400),
    Example(f"{_STOCKS}/bars?symbols=AAPL&timeframe=1Day&adjustment=none", 400),
)
_BY_STOCK = dict(_of_stocks())

MARKET_DATA: Mapping[str, Sequence[Example]] = {
    **_BY_STOCK,
    f"GET {_STOCKS}/bars": (*_BY_STOCK[f"GET {_STOCKS}/bars"], *_BARS),
    f"GET {_STOCKS}/snapshots": (
        Example(f"{_STOCKS}/snapshots?symbols=AAPL,BRK.B,SNDL,NOPE"),
        Example(f"{_STOCKS}/snapshots", 400),
    ),
    f"GET {_STOCKS}/{{symbol}}/snapshot": (
        Example(f"{_STOCKS}/AAPL/snapshot?feed=sip"),
        Example(f"{_STOCKS}/NOPE/snapshot", 400),
    ),
    f"GET {_STOCKS}/meta/exchanges": (Example(f"{_STOCKS}/meta/exchanges"),),
    f"GET {_STOCKS}/meta/conditions/{{ticktype}}": (
        Example(f"{_STOCKS}/meta/conditions/trade?tape=A"),
        Example(f"{_STOCKS}/meta/conditions/quote?tape=C"),
        Example(f"{_STOCKS}/meta/conditions/trade", 400),
        Example(f"{_STOCKS}/meta/conditions/bar?tape=A", 400),
    ),
    **{
        f"GET {_STOCKS}/{path}auctions": (
            Example(f"{ask}{_WEEK}&limit=3"),
            Example(f"{ask}start=2026-11-01&sort=desc"),
            Example(f"{ask}start=2010-01-01&end=2010-01-02", empty=True),
            *_refused(f"{ask}currency=USD", (*_REFUSED, "feed=iex")),
        )
        for path, ask in (
            ("", f"{_STOCKS}/auctions?symbols=AAPL,F,SPY&"),
            ("{symbol}/", f"{_STOCKS}/F/auctions?"),
        )
    },
    "GET /v1beta1/screener/stocks/most-actives": (
        Example("/v1beta1/screener/stocks/most-actives?by=trades&top=5"),
        Example("/v1beta1/screener/stocks/most-actives?by=luck", 400),
        Example("/v1beta1/screener/stocks/most-actives?top=101", 400),
    ),
    "GET /v1beta1/screener/{market_type}/movers": (
        Example("/v1beta1/screener/stocks/movers?top=3"),
        Example("/v1beta1/screener/crypto/movers"),
        Example("/v1beta1/screener/bonds/movers", 400),
    ),
    "GET /v1beta1/news": (
        Example("/v1beta1/news?symbols=AAPL&start=2026-11-01&include_content=true", empty=True),
        Example("/v1beta1/news?limit=51", 400),
    ),
    "GET /v1/corporate-actions": (
        Example("/v1/corporate-actions?symbols=AAPL&types=cash_dividend,forward_split&start=2026-01-01", empty=True),
        Example("/v1/corporate-actions?start=soon", 400),
        Example("/v1/corporate-actions?types=Split!", 400),
    ),
    f"GET {_OPTIONS}/bars": (
        Example(f"{_OPTIONS}/bars?symbols={{call}},{{put}}&timeframe=1Day&{_WEEK}"),
        Example(f"{_OPTIONS}/bars?symbols={{call}},{{put}}&timeframe=5Min&{_WEEK}&limit=3&sort=desc"),
        Example(f"{_OPTIONS}/bars?symbols={{many_options}}&timeframe=1Day", 400),
        Example(f"{_OPTIONS}/bars?symbols={{call}}", 400),
        *_refused(f"{_OPTIONS}/bars?symbols={{call}}&timeframe=1Day", _REFUSED_OPTIONS),
    ),
    f"GET {_OPTIONS}/trades": (
        Example(f"{_OPTIONS}/trades?symbols={{call}},{{put}}&{_MINUTES}"),
        Example(f"{_OPTIONS}/trades?symbols={{call}},{{put}}&{_MINUTES}&limit=3&sort=desc"),
        *_refused(f"{_OPTIONS}/trades?symbols={{call}}", _REFUSED_OPTIONS),
    ),
    f"GET {_OPTIONS}/quotes/latest": (
        Example(f"{_OPTIONS}/quotes/latest?symbols={{call}},{{put}}&feed=indicative"),
        Example(f"{_OPTIONS}/quotes/latest?symbols={{many_options}}", 400),
        Example(f"{_OPTIONS}/quotes/latest?symbols={{call}}&feed=sip", 400),
    ),
    f"GET {_OPTIONS}/trades/latest": (
        Example(f"{_OPTIONS}/trades/latest?symbols={{call}},{{put}}"),
        Example(f"{_OPTIONS}/trades/latest?symbols={{many_options}}", 400),
    ),
    f"GET {_OPTIONS}/snapshots": (
        Example(f"{_OPTIONS}/snapshots?symbols={{call}},{{put}}"),
        Example(f"{_OPTIONS}/snapshots?symbols={{call}},{{put}}&limit=1&updated_since=2026-01-01"),
        Example(f"{_OPTIONS}/snapshots?symbols={{many_options}}", 400),
        Example(f"{_OPTIONS}/snapshots?symbols={{call}}&limit=1001", 400),
    ),
    f"GET {_OPTIONS}/snapshots/{{underlying_symbol}}": (
        Example(f"{_OPTIONS}/snapshots/AAPL?limit=1000"),
        Example(f"{_OPTIONS}/snapshots/BRK.B?type=put&root_symbol=BRKB&strike_price_gte=400&limit=2"),
        Example(f"{_OPTIONS}/snapshots/AAPL?expiration_date_lte=2027-12-31&expiration_date_gte=2027-01-01&limit=3"),
        Example(f"{_OPTIONS}/snapshots/NOPE", empty=True),
        Example(f"{_OPTIONS}/snapshots/AAPL?type=both", 400),
        Example(f"{_OPTIONS}/snapshots/AAPL?expiration_date=soon", 400),
        Example(f"{_OPTIONS}/snapshots/AAPL?strike_price_lte=much", 400),
    ),
    f"GET {_OPTIONS}/meta/exchanges": (Example(f"{_OPTIONS}/meta/exchanges"),),
    f"GET {_OPTIONS}/meta/conditions/{{ticktype}}": (
        Example(f"{_OPTIONS}/meta/conditions/trade"),
        Example(f"{_OPTIONS}/meta/conditions/quote"),
        Example(f"{_OPTIONS}/meta/conditions/bar", 400),
    ),
}

_DOCS = "the shape of refusals in Alpaca's trading API"
_CONTRACTS = "/v2/options/contracts"

REFERENCE: Mapping[str, Sequence[Example]] = {
    "GET /v2/assets": (
        Example("/v2/assets"),
        Example("/v2/assets?status=active&asset_class=us_equity&exchange=NYSE&attributes=has_options"),
        Example("/v2/assets?asset_class=crypto", empty=True),
    ),
    "GET /v2/assets/{symbol_or_asset_id}": (
        *(Example(f"/v2/assets/{symbol}") for symbol in ("AAPL", "BRK.B", "SNDL")),
        Example("/v2/assets/NOPE", 404),
    ),
    "GET /v2/options/contracts": (
        Example(f"{_CONTRACTS}?show_deliverables=true&underlying_symbols=AAPL,BRK.B"),
        Example(f"{_CONTRACTS}?expiration_date_lte=2028-12-31&type=call&limit=3&strike_price_gte=100"),
        Example(f"{_CONTRACTS}?status=inactive&limit=3"),
        Example(f"{_CONTRACTS}?style=european", empty=True),
        Example(f"{_CONTRACTS}?limit=10001", 422, source=_DOCS),
        Example(f"{_CONTRACTS}?type=both", 422, source=_DOCS),
        Example(f"{_CONTRACTS}?expiration_date=soon", 422, source=_DOCS),
    ),
    "GET /v2/options/contracts/{symbol_or_id}": (
        Example(f"{_CONTRACTS}/{{call}}"),
        Example(f"{_CONTRACTS}/AAPL200117P00200000"),
        Example(f"{_CONTRACTS}/{{nobody}}", 404),
        Example(f"{_CONTRACTS}/AAPL", 404),
    ),
    "GET /v2/calendar": (
        Example("/v2/calendar?start=2026-11-20&end=2026-12-31"),
        Example("/v2/calendar?start=2026-11-20T00:00:00Z&end=2026-12-31T00:00:00Z&date_type=SETTLEMENT"),
        Example("/v2/calendar"),
        Example("/v2/calendar?start=soon", 400),
        Example("/v2/calendar?date_type=BOTH", 400),
    ),
    "GET /v2/clock": (Example("/v2/clock"),),
    "GET /v3/clock": (
        *(
            Example(f"/v3/clock?time=2026-11-27T{time}Z&markets=NYSE,XNAS")
            for time in ("08:00:00", "14:00:00", "17:59:59")
        ),
        Example("/v3/clock"),
        Example("/v3/clock?markets=LSE", 400),
        Example("/v3/clock?time=soon", 400),
    ),
    "GET /v3/calendar/{market}": (
        Example("/v3/calendar/NYSE?start=2026-11-23&end=2026-12-31"),
        Example("/v3/calendar/XNAS?timezone=UTC"),
        Example("/v3/calendar/LSE", 400),
        Example("/v3/calendar/NYSE?start=soon", 400),
        Example("/v3/calendar/NYSE?timezone=CET", 400),
    ),
    "GET /v2/corporate_actions/announcements": (
        Example("/v2/corporate_actions/announcements?ca_types=Dividend&since=2026-10-01&until=2026-11-01", empty=True),
        Example("/v2/corporate_actions/announcements?ca_types=Dividend", 422, source=_DOCS),
    ),
    "GET /v2/corporate_actions/announcements/{id}": (
        Example("/v2/corporate_actions/announcements/{nobody}", 404, source=_DOCS),
    ),
}
