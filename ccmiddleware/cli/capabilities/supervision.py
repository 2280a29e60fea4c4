"""Capabilities of supervision: hearing talks of agents, and ending that."""

from ccmiddleware.cli.capabilities import Capability, action, holds

RIGHTS = "manager/ccm-supervision.conf"

SUPERVISE = Capability(
    "supervision",
    "`ccm agent monitor`, `whisper`, `barge`: a supervisor's phone hears a talk",
    needs=(
        holds(
            "[supervision] enabled = true in ccm.toml",
            lambda seen: seen.settings.supervision.enabled,
        ),
        action("Originate", "originate", RIGHTS),
    ),
    more=(action("Hangup", "call or system", RIGHTS),),
)

ALL = (SUPERVISE,)
