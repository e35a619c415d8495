"""Exchange and condition codes with their names: those that this exchange's answers use, and their neighbours."""

from exchange import errors

STOCK_EXCHANGES = {
    "A": "NYSE American (AMEX)",
    "B": "NASDAQ OMX BX",
    "C": "National Stock Exchange",
    "D": "FINRA ADF",
    "H": "MIAX",
    "I": "International Securities Exchange",
    "J": "Cboe EDGA",
    "K": "Cboe EDGX",
    "L": "Long Term Stock Exchange",
    "M": "Chicago Stock Exchange",
    "N": "New York Stock Exchange",
    "P": "NYSE Arca",
    "Q": "NASDAQ OMX",
    "U": "Members Exchange",
    "V": "IEX",
    "Y": "Cboe BYX",
    "Z": "Cboe BZX",
}
OPTION_EXCHANGES = {
    "A": "AMEX - NYSE American",
    "B": "BOX - Boston Options Exchange",
    "C": "CBOE - Cboe Options Exchange",
    "N": "NYSE - NYSE Arca",
    "Q": "NASDAQ - NASDAQ Options Market",
    "Z": "BATS - Cboe BZX Options Exchange",
}
STOCK_CONDITIONS = {
    "trade": {"@": "Regular Sale", "O": "Opening Prints", "6": "Closing Prints", "Q": "Market Center Official Open"},
    "quote": {"R": "Regular Market Maker Open", "O": "Opening Quote", "C": "Closing Quote"},
}
OPTION_CONDITIONS = {
    "trade": {"I": "AUTO - Executed electronically", "a": "SLAN - Single Leg Auction Non ISO"},
    "quote": {"A": "Eligible for automatic execution", " ": "Regular trading"},
}


def ticktype(given: str) -> str:
    """Check a ticktype: trade or quote; ApiError 400 otherwise."""
    if given not in STOCK_CONDITIONS:
        raise errors.bad_request(f"invalid ticktype: {given!r} is neither trade nor quote")
    return given
