"""What a dialer sees of its node, through whoever follows it, and what is seen of the dialer."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ccmiddleware.dialer.teams import Doing


@dataclass(frozen=True)
class Sees:
    """What the daemon knows of the node. ``whole``: whether that is the whole truth now.

    ``channel_of``: name of the channel with a unique id, None when there is none. ``members``: the
    agents of a queue, by interface; ``queues_of``: the queues in which an agent is not paused.
    ``read_until``: until when queue_log was read; None without one.
    """

    whole: Callable[[], bool]
    channel_of: Callable[[str], str | None]
    members: Callable[[str], Mapping[str, Doing]]
    queues_of: Callable[[str], Sequence[str]]
    read_until: Callable[[], datetime | None] | None


@dataclass
class State:
    """How dialing goes on the node. Campaigns by name."""

    calls: dict[str, int]
    """Attempts under way, of each campaign that runs or has some."""
    troubles: dict[str, str]
    """Why campaigns that run do not dial."""
    ended: Counter[tuple[str, str]]
    """Attempts that are over since this daemon leads, by campaign and result."""
    drops: Counter[str]
