"""Reports about what was traded: fills, profit and loss, and the sell module."""

from reports.catalog.report import BY_KIND, BY_ORDER, Report

REPORTS = (
    Report(
        name="fills",
        view="reports.fills",
        what="one row a fill, with what it was worth; days are New York's",
        shown=("occurred_at", "account", "account_type", "side", "symbol", "qty", "price", "notional", "order_id"),
        order_by="occurred_at DESC, fill_id",
        day_column="trading_day",
        filters={**BY_ORDER, "order_id": "order_id", "source": "source"},
    ),
    Report(
        name="realized-pnl",
        view="reports.realized_pnl",
        what="profit and loss by account, symbol and trading day, at average cost, before fees, from the fills",
        shown=(
            *("trading_day", "account", "account_type", "symbol", "fills", "bought_qty", "sold_qty", "closed_qty"),
            *("realized_pnl", "held_qty", "average_cost", "corrections"),
        ),
        order_by="trading_day DESC, account, symbol, account_type, account_type_source",
        day_column="trading_day",
        filters={**BY_KIND, "symbol": "symbol"},
    ),
    Report(
        name="trades",
        view="reports.trades",
        what="round trips: from the fill that opened a position to the one that made it flat, and why",
        shown=(
            *("entry_at", "account", "account_type", "symbol", "side", "status", "qty", "entry_price", "exit_at"),
            *("exit_price", "pnl", "close_reason"),
        ),
        order_by="entry_at DESC, account, symbol, trade_id, side",
        day_column="trading_day",
        filters={**BY_KIND, "symbol": "symbol", "side": "side", "status": "status", "reason": "close_reason"},
    ),
    Report(
        name="sell-module-activity",
        view="reports.sell_module_activity",
        what="what the sell module did: starts and stops, exits with reason and outcome, ticks by the hour",
        shown=(
            *("occurred_at", "activity", "account", "symbol", "side", "qty", "reason", "price", "order_status"),
            *("ticks", "slowest_tick_ms", "actor"),
        ),
        order_by="occurred_at DESC, record_id",
        day_column="day",
        filters={**BY_KIND, "activity": "activity", "symbol": "symbol", "reason": "reason", "status": "order_status"},
    ),
)
