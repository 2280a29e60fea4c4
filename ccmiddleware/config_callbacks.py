"""The settings of callbacks; a section of ``config``."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, model_validator

TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class CallbackSettings(BaseModel):
    """How callbacks are kept that callers ask for instead of waiting (docs/callbacks.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attempts: int = Field(
        default=3, ge=1, le=20, description="Calls to a customer who is not reached."
    )
    pause_seconds: float = Field(
        default=600, ge=10, le=86400, description="Between two of these calls."
    )
    opens: TimeOfDay = Field(
        default="08:00", description="Nobody is called before this time of the day."
    )
    closes: TimeOfDay = Field(
        default="20:00",
        description="Nor from this one on; before opens, it is that of the next day.",
    )
    time_zone: str | None = Field(
        default=None,
        description="Zone of these times, such as Europe/Berlin; unset, the machine's.",
    )
    give_up_hours: float = Field(
        default=24, gt=0, le=168, description="How long after it was asked for a callback is kept."
    )
    ring_seconds: int = Field(
        default=30, ge=5, le=120, description="How long the customer's phone rings."
    )

    @model_validator(mode="after")
    def _zone_is_known(self) -> "CallbackSettings":
        if self.time_zone is not None:
            try:
                ZoneInfo(self.time_zone)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise ValueError(
                    f"time_zone {self.time_zone!r} is none; write one such as Europe/Berlin"
                ) from None
        return self
