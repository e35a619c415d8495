"""What admins send and are shown: users without their hashes, accounts with their whole numbers."""

import datetime as dt
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from api.schemas import Name
from models.users import Role

Username = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]*$")]
Password = Annotated[str, StringConstraints(min_length=12, max_length=1000)]


class UserIn(BaseModel):
    """A new user; the password has at least twelve characters."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"username": "anna", "role": "trader"}]})
    username: Username
    role: Role
    password: Password


class UserChange(BaseModel):
    """What changes of a user; what is not given stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"role": "operator"}]})
    role: Role | None = None
    disabled: bool | None = None


class PasswordIn(BaseModel):
    """A new password: at least twelve characters."""

    model_config = ConfigDict(extra="forbid")
    password: Password


class UserOut(BaseModel):
    """A user."""

    username: str
    role: Role
    disabled: bool
    created_at: dt.datetime


class SwitchIn(BaseModel):
    """Whether the account takes entries; what secrets.yml switches off stays off."""

    model_config = ConfigDict(extra="forbid")
    enabled: bool


class ConfirmIn(BaseModel):
    """The number that was read last, as it is shown to admins: whoever confirms has seen it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"account_number": "PA3JR0GVVEN0"}]})
    account_number: Name


class AdminAccountOut(BaseModel):
    """An account as admins see it: the number read last, the one that was confirmed, and what stops its entries.

    `enabled` is the word of secrets.yml, `disabled_by` names the admin who has switched it off.
    """

    name: str
    broker: str
    enabled: bool
    disabled_by: str | None
    disabled_at: dt.datetime | None
    account_type: str
    account_type_source: str
    account_number: str | None
    confirmed_number: str | None
    number_changed_at: dt.datetime | None
    type_mismatch: str | None
    entries_blocked: str | None
    type_read_at: dt.datetime | None


class TypeChangeOut(BaseModel):
    """One change of an account's kind, of how it is known, or of its number."""

    occurred_at: dt.datetime
    account: str
    account_type: str
    account_type_source: str
    account_number: str | None
    old_account_type: str | None
    old_account_type_source: str | None
    old_account_number: str | None
    reason: str | None
    actor: str
