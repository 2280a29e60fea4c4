"""Capabilities of calls: observing, recording, reporting, completing."""

from ccmiddleware.cli.capabilities import Capability, Seen, action, good, holds


def _heard(seen: Seen) -> str:
    if any(finding.verdict == "ok" for finding in seen.findings.get("calls", ())):
        return ""
    return "that it hears classes call, agent and dialplan shows with the first call"


def _policy(seen: Seen) -> str:
    from ccmiddleware.cli.checks.files import policy_words

    return policy_words(seen.settings)


OBSERVE = Capability(
    "observe",
    "follow every call, queue and agent",
    needs=(
        action("QueueStatus", ""),
        action("CoreShowChannels", "system or reporting"),
    ),
    more=(good("queues", "a queue in queues.conf"),),
    remark=_heard,
)

RECORD = Capability(
    "record",
    "record talks, without the dialplan",
    needs=(action("MixMonitor", "system"), action("StopMixMonitor", "system or call")),
    more=(
        good(
            "recordings",
            "the recording directory, readable here: node.recordings (files are made, but neither "
            "measured nor found)",
            note=False,
        ),
    ),
    remark=_policy,
)

REPORT = Capability(
    "report",
    "reports as SQL views, `ccm report`",
    needs=(
        good("database", "a Postgres: database.url, or pip install 'ccmiddleware[embedded]'"),
        good("database schema", "ccm db migrate (the daemon does it when it starts)"),
    ),
)

COMPLETE = Capability(
    "complete",
    "complete calls from queue_log that went by while no daemon was there",
    needs=(
        holds(
            "queue_log of the node in ccm.toml: the path of Asterisk's queue_log",
            lambda seen: seen.node.queue_log is not None,
        ),
        good("queue_log", "the file of node.queue_log, readable here"),
    ),
)

STORE = Capability(
    "recording store",
    "move finished recordings into an S3-compatible bucket",
    needs=(
        holds(
            "section [recording_store] in ccm.toml",
            lambda seen: seen.settings.recording_store is not None,
        ),
        good("recording store", "the bucket, reachable from here: see [recording_store]"),
        good("recording directory", "a recording directory in which this user may remove files"),
    ),
)

ALL = (OBSERVE, RECORD, STORE, REPORT, COMPLETE)
