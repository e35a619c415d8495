"""What may speak for closing a position: one strategy a file, asked in this order; the first that speaks decides."""

from domain.exit_strategies.closing_window import closing_window
from domain.exit_strategies.short_cover import short_cover
from domain.exit_strategies.strategy_one import strategy_one
from domain.exit_strategies.time_limit import time_limit
from domain.exit_strategies.zero_day import zero_day
from domain.exits import Strategy

STRATEGIES: tuple[Strategy, ...] = (short_cover, time_limit, zero_day, strategy_one, closing_window)
