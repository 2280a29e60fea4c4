"""Capabilities of agents: acting on them, codes on their phones, dispositions."""

from ccmiddleware.cli.capabilities import Capability, Need, Seen, action, context, good

RIGHTS = "manager/ccm-agents.conf"
CODES = context(
    "ccm-agents", "ccm-agents.conf", "and in the context of the phones: include => ccm-agents"
)

BY_COMMAND = Capability(
    "agent commands",
    "`ccm agent login`, `logout`, `pause`, `unpause`; forced wrap-up",
    needs=tuple(
        action(name, "agent", RIGHTS) for name in ("QueueAdd", "QueueRemove", "QueuePause")
    ),
)

BY_CODE = Capability(
    "agent codes", "agents log in, pause and come back by codes on their phones", needs=(CODES,)
)


def _a_way(seen: Seen) -> bool | None:
    """Class user can't be asked for, but the file that brings it brings QueuePause as well."""
    if seen.node.queue_log is not None:
        return True
    if seen.allowed is None:
        return None
    return False if "QueuePause" not in seen.allowed else None


DISPOSE = Capability(
    "dispositions",
    "what came of a contact: `ccm interaction dispose`, and by a code on the phone",
    needs=(good("database", "a Postgres: database.url"),),
    more=(
        CODES,
        Need(
            f"to hear what was keyed in: asterisk/{RIGHTS} (class user), or queue_log of the node",
            _a_way,
            lambda seen: seen.blind or "which classes a user hears can't be asked for",
        ),
    ),
)

SKILLS = Capability(
    "skills",
    "penalties by skills of agents: `ccm agent skill`, `ccm queue skill`",
    needs=(action("QueuePenalty", "agent", RIGHTS), good("database", "a Postgres: database.url")),
    remark=lambda seen: (
        "who is below a minimum is called last, or not at all where QUEUE_MAX_PENALTY is 999"
    ),
)

ALL = (BY_COMMAND, BY_CODE, DISPOSE, SKILLS)
