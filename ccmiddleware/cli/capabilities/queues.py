"""Capabilities of queues: hours, overflow and priorities, decided by Asterisk itself."""

from ccmiddleware.cli.capabilities import Capability, Need, Seen, action, context, good


def _a_way(seen: Seen) -> bool | None:
    """Class user can't be asked for; with queue_log it is not needed."""
    return True if seen.node.queue_log is not None else None


SETTINGS = Capability(
    "queue settings",
    "opening hours, overflow, priorities: `ccm queue set`, `hours`, `holiday`, `priority`",
    needs=(
        good("database", "a Postgres: database.url"),
        action("DBPut", "system"),
        context(
            "ccm-queue",
            "ccm-queues.conf",
            "and write Gosub(ccm-queue,s,1(NAME)) where it has Queue(NAME)",
        ),
    ),
    more=(
        Need(
            "to count who is turned away: asterisk/manager/ccm-agents.conf (class user), "
            "or queue_log of the node",
            _a_way,
            lambda seen: seen.blind or "which classes a user hears can't be asked for",
        ),
    ),
)

ALL = (SETTINGS,)
