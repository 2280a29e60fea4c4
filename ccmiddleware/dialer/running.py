"""A campaign that runs, as it is set at one revision. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from ccmiddleware.dialer import settings
from ccmiddleware.dialer.permits import Rules
from ccmiddleware.dialer.profiles import Profile
from ccmiddleware.dialer.values import Value


@dataclass(frozen=True)
class Campaign:
    """A running campaign as it is set at one revision."""

    id: UUID
    name: str
    revision: int
    settings: Mapping[str, Value]
    profile: Profile
    scrub: int | None = None
    """The last comparison with a public list."""

    @property
    def rules(self) -> Rules:
        """What holds for all its calls."""
        return Rules(
            self.profile,
            settings.campaign_hours(self.settings),
            settings.number_cap(self.settings),
            timedelta(seconds=self.holds["ring_seconds"]),
        )

    @property
    def holds(self) -> dict[str, Value]:
        """Its settings with what holds where nothing is set."""
        return settings.effective(self.settings)
