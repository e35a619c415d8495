"""Every table in one place, so that migrations and `alembic check` see all of them."""

from models.accounts import Account, Balance
from models.audit import AccountTypeChange, ClockCheck, ConfigChange, Operation, OrderEventRow, RetiredPart, Seal
from models.base import Base
from models.configuration import Configuration
from models.gauges import ProcessGauges
from models.leases import Lease
from models.logins import LoginAttempts
from models.notifications import Notification
from models.orders import Fill, InstrumentRow, Order
from models.positions import PositionCorrection, PositionDifference
from models.selling import Exit, PositionLot, SellModule, SellTick
from models.spooled import Spooled
from models.streams import BrokerInboxRow, StreamRow
from models.users import User

METADATA = Base.metadata

__all__ = [
    "METADATA",
    "Account",
    "AccountTypeChange",
    "Balance",
    "BrokerInboxRow",
    "ClockCheck",
    "ConfigChange",
    "Configuration",
    "Exit",
    "Fill",
    "InstrumentRow",
    "Lease",
    "LoginAttempts",
    "Notification",
    "Operation",
    "Order",
    "OrderEventRow",
    "PositionCorrection",
    "PositionDifference",
    "PositionLot",
    "ProcessGauges",
    "RetiredPart",
    "Seal",
    "SellModule",
    "SellTick",
    "Spooled",
    "StreamRow",
    "User",
]
