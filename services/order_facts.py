"""The facts a claim is judged by: one statement under the account's lock, and what it means (R4, R17, R19, R27)."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from config.settings import TradingSettings
from domain.account_type import AccountType, AccountTypeSource
from domain.money import ZERO, order_cost
from domain.order_state import IN_FLIGHT, OrderStatus
from domain.orders import OrderTerms, OrderType, PositionIntent, Side, TimeInForce
from domain.venue import classify_endpoint
from models.unit import Row
from risk.facts import AccountFacts, Facts, Replaced, StoredBalance
from services.account_figures import BALANCE_AGE_S, RESERVED, thresholds_of


@dataclass(frozen=True, slots=True)
class Policy:
    """What the claim is judged by besides the facts in the database.

    `identity` is the endpoint and key that this process would send with; where the table has others, one of the two
    has not heard of a change yet and the order waits. None: not compared. `since` is when this process started, by the
    database's clock: until a later reconcile of the account has finished, the order waits. None: it waits for none.
    `rules_version` names all thresholds in force (services/rules_version.py); it stands on the ruling's event.
    """

    trading: TradingSettings
    exchange_url: str | None
    identity: tuple[str, str] | None = None
    since: dt.datetime | None = None
    rules_version: str | None = None


_IN_FLIGHT = "(" + ", ".join(f"'{status}'" for status in sorted(IN_FLIGHT)) + ")"

_OPEN_QTY = "(coalesce({0}.qty, {0}.most_shares) - {0}.filled_qty)"
# what is held, shorts negative: the fills' sum and the corrections of a broker's snapshot
_LEDGER = (
    "coalesce((SELECT p.qty FROM trading.positions p WHERE p.account_id = o.account_id AND p.symbol = o.symbol), 0)"
)
# what is held and not being sold already: sells reserve quantity, unknown ones included (R19). A replacement and what
# it replaces sell the larger of the two, not both (R27).
HELD = f"""(
         {_LEDGER}
       - (SELECT coalesce(sum({_OPEN_QTY.format("s")} - CASE WHEN s.replaces IS NULL THEN 0 ELSE coalesce((
                   SELECT least({_OPEN_QTY.format("s")}, {_OPEN_QTY.format("p")}) FROM trading.orders p
                    WHERE p.order_id = s.replaces AND p.status IN {_IN_FLIGHT}), 0) END), 0)
            FROM trading.orders s
           WHERE s.account_id = o.account_id AND s.symbol = o.symbol AND s.side = 'sell' AND s.order_id <> o.order_id
             AND s.order_id IS DISTINCT FROM o.replaces AND s.status IN {_IN_FLIGHT}))"""  # noqa: S608  all parts are ours

# what was sold short and is not being bought back already; looked for only where it decides (see `_is_exit`)
_SHORT = f"""(
         - {_LEDGER}
       - (SELECT coalesce(sum(coalesce(s.qty, 'Infinity') - s.filled_qty), 0) FROM trading.orders s
           WHERE s.account_id = o.account_id AND s.symbol = o.symbol AND s.side = 'buy' AND s.order_id <> o.order_id
             AND s.order_id IS DISTINCT FROM o.replaces AND s.status IN {_IN_FLIGHT}))"""  # noqa: S608  all parts are ours

# whether the trail has partitions for next month (R29): two looks by oid, some 20 us
_ATTACHED = (
    "EXISTS (SELECT FROM pg_class WHERE relispartition AND oid = "
    "to_regclass('audit.{}_' || to_char(now() AT TIME ZONE 'UTC' + interval '1 month', 'YYYYMM')))"
)
_TRAIL_GOES_ON = f"({_ATTACHED.format('order_events')} AND {_ATTACHED.format('operations')})"

SELLER = "sell_module"  # the source of what may only close

# of account `a`: it takes no entries, only exits
STOPPED = "(a.entries_blocked IS NOT NULL OR a.disabled_by IS NOT NULL OR NOT a.enabled)"

FACTS = f"""
SELECT o.order_id, o.status, o.fence, o.attempts, o.source, o.broker_client_id, o.place_before, o.multiplier, o.symbol,
       o.requested_at, o.side, o.order_type, o.time_in_force, o.qty, o.notional, o.limit_price, o.stop_price,
       o.trail_price, o.trail_percent, o.extended_hours, o.position_intent, o.cancel_due_at IS NOT NULL AS is_canceled,
       o.replaces, o.replaced_filled, old.status AS old_status,
       old.broker_order_id AS old_broker_order_id, old.reserved AS old_reserved, old.filled_qty AS old_filled,
       old.cancel_due_at IS NOT NULL AS old_is_canceled,
       a.name, a.enabled, a.disabled_by, a.base_url, a.key_fingerprint, a.account_type AS current_type,
       a.account_type_source AS current_source, a.type_read_at, a.reconciled_from, a.entries_blocked,
       a.number_changed_at IS NOT NULL AS number_changed, a.minimum_balance, a.balance_check_enabled, a.balance_rule,
       a.on_balance_error, b.cash, {BALANCE_AGE_S} AS balance_age_s,
       clock_timestamp() AS now, o.due_at IS NOT NULL AND o.due_at <= clock_timestamp() AS is_due,
       {RESERVED} AS total_reserved, {_TRAIL_GOES_ON} AS trail_goes_on,
       CASE WHEN o.side = 'sell' THEN {HELD} ELSE 0 END AS held_qty,
       CASE WHEN o.side = 'buy' AND ({STOPPED} OR o.source = '{SELLER}' OR NOT {_TRAIL_GOES_ON})
            THEN {_SHORT} END AS short_qty,
       o.replaces IS NOT NULL AND EXISTS (
         SELECT 1 FROM trading.orders r WHERE r.replaces = o.replaces AND r.order_id <> o.order_id
            AND r.status IN {_IN_FLIGHT}) AS other_replacement
  FROM trading.orders o
  JOIN trading.accounts a USING (account_id)
  LEFT JOIN trading.balances b USING (account_id)
  LEFT JOIN trading.orders old ON old.order_id = o.replaces
 WHERE o.order_id = %(order_id)s
   FOR NO KEY UPDATE OF o
"""  # noqa: S608  all parts are ours


def terms_of(order: Row) -> OrderTerms:
    """Return the terms an order's row holds."""
    return OrderTerms(
        symbol=order.symbol,
        side=Side(order.side),
        order_type=OrderType(order.order_type),
        time_in_force=TimeInForce(order.time_in_force),
        qty=order.qty,
        limit_price=order.limit_price,
        notional=order.notional,
        stop_price=order.stop_price,
        trail_price=order.trail_price,
        trail_percent=order.trail_percent,
        extended_hours=order.extended_hours,
        position_intent=None if order.position_intent is None else PositionIntent(order.position_intent),
    )


def facts_of(found: Row, ask: Decimal | None, policy: Policy) -> Facts:
    """Return the facts of a row of FACTS; `ask` in USD, None when it was not asked for or nobody offers."""
    trading = policy.trading
    terms = terms_of(found)
    held_to = thresholds_of(found, trading)
    is_ours = policy.identity in {None, (found.base_url, found.key_fingerprint)}
    account = AccountFacts(
        name=found.name,
        enabled=found.enabled,
        disabled_by=found.disabled_by,
        account_type=AccountType(found.current_type),
        account_type_source=AccountTypeSource(found.current_source),
        type_was_read=found.type_read_at is not None and is_ours,
        endpoint=classify_endpoint(found.base_url, policy.exchange_url),
        entries_blocked=found.entries_blocked,
        number_changed=found.number_changed,
        balance_check_enabled=held_to.balance_check_enabled.value,
        minimum_balance=held_to.minimum_balance.value,
        balance_rule=held_to.balance_rule.value,
        on_balance_error=held_to.on_balance_error.value,
        balance_max_age=trading.balance_max_age,
        unreconciled_since=unreconciled_since(found.reconciled_from, policy.since),
    )
    cost = order_cost(
        terms, multiplier=found.multiplier, ask=ask, collar=trading.market_collar, held_qty=found.held_qty
    )
    balance = None if found.cash is None else StoredBalance(found.cash, found.balance_age_s)
    return Facts(
        now=found.now,
        place_before=found.place_before,
        terms=terms,
        account=account,
        balance=balance,
        reserved=found.total_reserved,
        order_cost=cost,
        is_exit=_is_exit(terms, cost, found.short_qty),
        is_reduce_only=found.source == SELLER,
        closable_qty=found.held_qty if terms.side is Side.SELL else found.short_qty,
        replaced=_replaced(found),
        trail_goes_on=found.trail_goes_on,
    )


def unreconciled_since(reconciled_from: dt.datetime | None, since: dt.datetime | None) -> dt.datetime | None:
    """Return the start that no finished reconcile of the account began after, None where nothing is waited for."""
    is_done = since is None or (reconciled_from is not None and reconciled_from > since)
    return None if is_done else since


def _is_exit(terms: OrderTerms, cost: Decimal | None, short_qty: Decimal | None) -> bool:
    """Return whether the order only closes: a sell of what is held (it costs nothing), a buy of what was sold short.

    `short_qty` is known for the seller's orders and for an account that takes no entries; elsewhere nobody looks.
    """
    if terms.position_intent in {PositionIntent.BUY_TO_OPEN, PositionIntent.SELL_TO_OPEN}:
        return False
    if terms.side is Side.SELL:
        return cost is None or cost == ZERO  # of unknown cost it waits for its price, and is judged again then
    return terms.qty is not None and short_qty is not None and terms.qty <= short_qty


def _replaced(found: Row) -> Replaced | None:
    if found.replaces is None:
        return None
    return Replaced(
        order_id=found.replaces,
        status=OrderStatus(found.old_status),
        reserved=found.old_reserved,
        is_being_canceled=found.old_is_canceled,
        is_being_replaced=found.other_replacement,
        filled_since=found.old_filled - found.replaced_filled,
    )
