"""Errors named by what the caller does next; message and HTTP status ride on the class."""

from collections.abc import Sequence

from domain.orders import FieldProblem


class DomainError(Exception):
    """A refusal the caller can act on. `code` is the problem's stable name, `status` the HTTP answer.

    `retry_after_s` is how long to wait before the same request may go through (seconds), None where waiting is no help.
    """

    code = "error"
    status = 400
    title = "The request cannot be carried out"
    retry_after_s: int | None = None

    def __init__(self, detail: str, problems: Sequence[FieldProblem] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.problems = tuple(problems)


class InvalidOrder(DomainError):
    """The order's terms cannot be right: correct the named fields and send it again."""

    code = "invalid_order"
    status = 422
    title = "The order cannot be accepted as it is"


class InvalidRequest(DomainError):
    """Something other than an order's terms cannot be read: correct the named fields and ask again."""

    code = "invalid_request"
    status = 422
    title = "The request cannot be understood as it is"


class InvalidAction(DomainError):
    """The word is none of those that can be done: choose one of them."""

    code = "invalid_action"
    status = 400
    title = "No such action"


class UnknownAccount(DomainError):
    """No account of this name that the caller may use."""

    code = "unknown_account"
    status = 404
    title = "No such account"


class NothingToConfirm(DomainError):
    """The account's number is the confirmed one: there is nothing to do."""

    code = "nothing_to_confirm"
    status = 409
    title = "The account number has not changed"


class NumberMovedOn(DomainError):
    """Another number was read than the one to be confirmed: look at the account again."""

    code = "number_moved_on"
    status = 409
    title = "This is not the number that was read last"


class UserExists(DomainError):
    """Somebody has this name: choose another."""

    code = "user_exists"
    status = 409
    title = "This name is taken"


class LastAdmin(DomainError):
    """Nobody could administer afterwards: make another admin first."""

    code = "last_admin"
    status = 409
    title = "The last admin stays"


class KeyMissing(DomainError):
    """The request carries no key that makes it safe to repeat."""

    code = "idempotency_key_missing"
    status = 400
    title = "An idempotency key is needed"


class KeyDoubled(DomainError):
    """The request carries two keys: nobody can tell which one makes it safe to repeat."""

    code = "idempotency_key_doubled"
    status = 400
    title = "One idempotency key is needed, not two"


class KeyInFlight(DomainError):
    """The first request under this key is still being stored: ask again in a moment, under the same key."""

    code = "idempotency_key_in_flight"
    status = 409
    title = "The first request under this key is still at work"
    retry_after_s = 1


class KeyReused(DomainError):
    """The key belongs to another order: choose a new one."""

    code = "idempotency_key_reused"
    status = 422
    title = "This key was used for another order"


class NotFound(DomainError):
    """Nothing under this identifier that the caller may see."""

    code = "not_found"
    status = 404
    title = "Not found"


class NotCancelable(DomainError):
    """The order has ended; there is nothing left to cancel."""

    code = "not_cancelable"
    status = 409
    title = "The order has ended"


class NotQuarantined(DomainError):
    """Nothing is to be decided about the order: it is not in quarantine."""

    code = "not_quarantined"
    status = 409
    title = "The order waits for no decision"


class NotReplaceable(DomainError):
    """The order does not work at the broker as it is: look at it again before replacing it."""

    code = "not_replaceable"
    status = 409
    title = "The order cannot be replaced now"


class NotAuthenticated(DomainError):
    """Sign in first."""

    code = "not_authenticated"
    status = 401
    title = "Sign in first"


class NotFresh(DomainError):
    """The session is too old for this: sign in again with the password, then repeat the request."""

    code = "sign_in_again"
    status = 403
    title = "This needs the password again"


class NotAllowed(DomainError):
    """The caller's role does not include this."""

    code = "not_allowed"
    status = 403
    title = "Not allowed for this role"


class TooManyAttempts(DomainError):
    """Too many wrong passwords for one name: wait `retry_after_s`, then sign in."""

    code = "too_many_attempts"
    status = 429
    title = "Too many attempts to sign in"

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class VerificationRunning(DomainError):
    """The audit trail is being verified already: ask again when that one has ended."""

    code = "verification_running"
    status = 409
    title = "The audit trail is being verified already"
    retry_after_s = 10


class VerificationFailed(DomainError):
    """Whether the audit trail holds is not known: run the command on the machine itself."""

    code = "verification_failed"
    status = 503
    title = "The audit trail could not be verified"


class StoreUnavailable(DomainError):
    """The database cannot be reached: nothing was written, try again."""

    code = "store_unavailable"
    status = 503
    title = "The order store cannot be reached"
    retry_after_s = 1


class ReportsUnavailable(DomainError):
    """No report can be read now: the reason says whether another moment or a narrower question helps."""

    code = "reports_unavailable"
    status = 503
    title = "The report cannot be read now"
    retry_after_s = 5


class UnknownReport(DomainError):
    """No report of this name: choose one of those that are named."""

    code = "unknown_report"
    status = 404
    title = "No such report"


class ExportRefused(DomainError):
    """The form cannot hold what is to be written, so nothing was: take another form, or ask for less."""

    code = "export_refused"
    status = 422
    title = "The report does not fit this form"


class InstrumentsUnread(DomainError):
    """Nobody has read yet what the broker lists, so no symbol can be judged: nothing was written, try again."""

    code = "instruments_not_read"
    status = 503
    title = "The broker's instruments have not been read yet"
    retry_after_s = 1


class OutcomeUnknown(DomainError):
    """The connection broke while the order was being stored: ask for it again under the same key (R22)."""

    code = "outcome_unknown"
    status = 503
    title = "It is not known whether the order was stored"

    def __init__(self, detail: str, location: str) -> None:
        super().__init__(detail)
        self.location = location
