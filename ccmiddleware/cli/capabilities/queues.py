"""Capabilities of queues: hours, overflow and priorities, callbacks, and email."""

from ccmiddleware.cli.capabilities import (
    Capability,
    Need,
    Seen,
    action,
    context,
    good,
    holds,
)


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

CALLBACKS_FILE = "ccm-callbacks.conf"

CALLBACKS = Capability(
    "callbacks",
    "callers are called when their turn comes, instead of waiting; `ccm callback`",
    needs=(
        context("ccm-callback-turn", CALLBACKS_FILE, "and lead a key of the queue to it"),
        context(
            "ccm-callback-customer",
            CALLBACKS_FILE,
            "and write there which numbers may be called: its head says how",
        ),
        action("Originate", "originate", f"manager/{CALLBACKS_FILE}"),
        action("Hangup", "system"),
        holds("queue_log of the node in ccm.toml", lambda seen: seen.node.queue_log is not None),
    ),
)

WORK_FILE = "ccm-work.conf"

EMAIL = Capability(
    "email in queues",
    "emails wait in the queues of calls and are offered to agents on their phones",
    needs=(
        context("ccm-work-turn", WORK_FILE, "no line of your own dialplan need change"),
        action("Originate", "originate", f"manager/{WORK_FILE}"),
        action("Hangup", "system"),
        holds("queue_log of the node in ccm.toml", lambda seen: seen.node.queue_log is not None),
    ),
)

ALL = (SETTINGS, CALLBACKS, EMAIL)
