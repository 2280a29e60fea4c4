"""Which talks are recorded and under which file name. Pure.

A file name is made of our ids and the date alone: nothing that came from outside ever becomes part
of a path.
"""

import hashlib
from datetime import UTC
from pathlib import PurePosixPath
from uuid import UUID

from ccmiddleware.config import RecordingSettings, Settings
from ccmiddleware.facts import Segment


def holding(settings: Settings, queue: str, campaign: str = "") -> RecordingSettings:
    """The policy that holds for a talk of that queue.

    ``campaign`` is the place for the policies of campaigns, which will come before the queue's;
    campaigns have none yet.
    """
    return settings.recording_for(queue)


def wanted(settings: RecordingSettings, interaction_id: UUID, segment: int) -> bool:
    """Whether this talk is recorded from its beginning, without anybody asking for it.

    A percentage is decided by a hash of the ids: the same talk gets the same answer after a restart
    and on a standby, and over many talks the share is as set.
    """
    match settings.policy:
        case "never" | "on_demand":
            return False
        case "always":
            return True
        case "percentage":
            digest = hashlib.sha256(interaction_id.bytes + segment.to_bytes(2, "big")).digest()
            return int.from_bytes(digest[:8], "big") < settings.percentage / 100 * 2**64


def relative_path(segment: Segment, settings: RecordingSettings) -> PurePosixPath:
    """``2026/11/27/<interaction>-<segment>.wav``, below the node's recording directory.

    The date is the UTC day on which the talk began.
    """
    day = segment.answered_at.astimezone(UTC)
    name = f"{segment.interaction_id}-{segment.ordinal}.{settings.format}"
    return PurePosixPath(f"{day:%Y/%m/%d}") / name
