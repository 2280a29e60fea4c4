"""Capabilities of campaigns: to dial, and to have an agent there in time."""

from ccmiddleware.cli.capabilities import Capability, action, context, holds

DIAL_FILE = "ccm-dial.conf"

CAMPAIGN_CALLS = Capability(
    "campaign calls",
    "calls of campaigns: an agent within two seconds of the answer, or the safe-harbour message",
    needs=(
        context("ccm-dial", DIAL_FILE, "and open the agents' lines as its head says"),
        context("ccm-agents-each", "ccm-agents.conf", "by which agents join their queues"),
        action("Originate", "originate", f"manager/{DIAL_FILE}"),
        action("Hangup", "system"),
        holds("queue_log of the node in ccm.toml", lambda seen: seen.node.queue_log is not None),
    ),
)

OPT_OUT = Capability(
    "opt-out by call",
    "callers who want no more calls are put on the do-not-call list of campaigns",
    needs=(
        context("ccm-opt-out", "ccm-opt-out.conf", "and lead callers there as its head says"),
        holds("queue_log of the node in ccm.toml", lambda seen: seen.node.queue_log is not None),
    ),
)

ALL = (CAMPAIGN_CALLS, OPT_OUT)
