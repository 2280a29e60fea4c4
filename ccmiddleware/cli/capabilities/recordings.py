"""Capabilities of recordings under way: pause and resume, codes, the two sides of stereo."""

from ccmiddleware.cli.capabilities import Capability, Seen, action, context

MUTE = action("MixMonitorMute", "system or call")

UNDER_WAY = Capability(
    "pause recording",
    "`ccm recording pause`, `resume`, `start`, `stop`",
    needs=(MUTE,),
)


def _user(seen: Seen) -> str:
    return "class user, by which codes are heard, can't be asked for: manager/ccm-recording.conf"


CODES = Capability(
    "recording codes",
    "agents pause and start recordings by codes during the talk",
    needs=(
        MUTE,
        action("DBPut", "system"),
        action("DBDel", "system"),
        context(
            "ccm-recording",
            "ccm-recording.conf",
            "and asterisk/features/ccm-recording.conf in features.conf, which says what else",
        ),
    ),
    remark=_user,
)

ALL = (UNDER_WAY, CODES)
