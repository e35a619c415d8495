"""What nobody has documented, for the faults that say it: a client must live with words that come next year."""

from typing import Any

UNKNOWN_STATUS = "held_for_review"
UNKNOWN_EVENT = "reviewed"
UNKNOWN_FIELDS: dict[str, Any] = {"venue_hint": {"nested": [1, None]}, "": "", "type_v2": 7}
