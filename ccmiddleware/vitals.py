"""How a running daemon is: health for people and supervisors, figures for metrics.

Reads the state of the parts and changes nothing but the metrics.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from ccmiddleware import __version__
from ccmiddleware.calls.call import Phase
from ccmiddleware.dialer.dialing import Dialing
from ccmiddleware.leading import LedNode
from ccmiddleware.mail.sending import Sending
from ccmiddleware.node import NodeFollower
from ccmiddleware.store.journal import Journal
from ccmiddleware.store.leadership import Leadership
from ccmiddleware.store.writer import FactWriter
from ccmiddleware.web.health import Figure, Health, Part, Status
from ccmiddleware.web.metrics import Metrics

SLOW_SECONDS = 10.0
"""Age of the oldest fact in the journal at which the database counts as not working."""


def health(
    nodes: Sequence[LedNode],
    writer: FactWriter,
    journal: Journal,
    leadership: Leadership,
    *,
    postgres: str,
) -> Health:
    """All parts at this moment. ``postgres`` says in words which one is used."""
    followers = [node.follower for node in nodes if node.follower is not None]
    trouble = writer.trouble or leadership.trouble
    parts = [_node(node) for node in nodes]
    parts.extend(_link(follower) for follower in followers)
    if trouble is None and journal.oldest_age > SLOW_SECONDS:
        trouble = f"Postgres has taken nothing for {journal.oldest_age:.0f} s"
    parts.append(
        Part(
            "database",
            "degraded" if trouble else "ok",
            trouble or postgres,
            {"rejected_facts": writer.counts.rejected, "late_facts": writer.counts.late},
        )
    )
    full = journal.problem is not None
    parts.append(
        Part(
            "journal",
            "failed" if full else "ok",
            journal.problem or "",
            {
                "backlog_facts": journal.backlog_facts,
                "backlog_bytes": journal.backlog_bytes,
                "oldest_seconds": round(journal.oldest_age, 1),
            },
        )
    )
    parts.append(_recordings(nodes))
    parts.extend(_dialing(node.name, node.dialing) for node in nodes if node.dialing is not None)
    parts.extend(_mailboxes(nodes))
    parts.extend(_outbox(node.name, node.sending) for node in nodes if node.sending is not None)
    return Health(version=__version__, parts=tuple(parts))


def _dialing(node: str, dialing: Dialing) -> Part:
    """Campaigns that dial, and what keeps others from it."""
    state = dialing.state
    trouble = "; ".join(f"{name}: {why}" for name, why in sorted(state.troubles.items()))
    return Part(
        f"dialing {node}",
        "degraded" if trouble else "ok",
        trouble,
        {"campaigns": len(state.calls), "calls": sum(state.calls.values())},
    )


def _mailboxes(nodes: Sequence[LedNode]) -> Iterator[Part]:
    for node in nodes:
        troubles = node.mailboxes.troubles if node.mailboxes is not None else {}
        for name, trouble in troubles.items():
            yield Part(f"mailbox {name}", "degraded" if trouble else "ok", trouble)
        if node.relaying is not None:
            trouble = node.relaying.trouble
            yield Part(f"agents' mail {node.name}", "degraded" if trouble else "ok", trouble)


def _outbox(node: str, sending: Sending) -> Part:
    """What waits to be sent. That nothing can be sent is no trouble while nothing is to be."""
    state = sending.state
    troubled = state.trouble and (sending.can_send or state.queued)
    return Part(
        f"outbox {node}",
        "degraded" if troubled else "ok",
        state.trouble,
        {
            "queued": state.queued,
            "queued_since": (
                state.queued_since.isoformat(timespec="seconds") if state.queued_since else None
            ),
            "unknown": state.unknown,
            "failed_last_day": state.failed,
        },
    )


def _recordings(nodes: Sequence[LedNode]) -> Part:
    """Talks that are recorded now, and what waits to be compressed, stored or deleted."""
    keepers = [node.keeper.state for node in nodes if node.keeper is not None]
    trouble = "; ".join(state.trouble for state in keepers if state.trouble is not None)
    oldest = min((state.oldest for state in keepers if state.oldest is not None), default=None)
    recorded = (node.follower.recorder.in_progress for node in nodes if node.follower is not None)
    return Part(
        "recordings",
        "degraded" if trouble else "ok",
        trouble,
        {
            "in_progress": sum(recorded),
            "waiting": sum(state.waiting for state in keepers),
            "waiting_since": oldest.isoformat(timespec="seconds") if oldest is not None else None,
        },
    )


def _node(node: LedNode) -> Part:
    standing = node.parts.leadership.standings.get(node.name)
    name = f"node {node.name}"
    if node.follower is not None:
        return Part(name, "ok", "leading", {"leading": True, "term": node.term})
    figures: dict[str, Figure] = {
        "leading": False,
        "term": standing.term if standing is not None else None,
    }
    if node.name in node.parts.leadership.terms:
        return Part(name, "degraded", "taking up what is open", figures)
    if standing is not None and standing.leader:
        return Part(name, "ok", f"standby (led by {standing.leader})", figures)
    return Part(name, "degraded", "nobody leads it at present", figures)


def _link(follower: NodeFollower) -> Part:
    state = follower.link.state
    status: Status
    if state.up and follower.synchronised:
        status, detail = "ok", f"up, {state.banner}"
    elif state.up:
        status, detail = "degraded", "asking Asterisk for its present calls"
    else:
        status = "failed" if state.auth_refused else "degraded"
        detail = f"down: {state.reason}"
    return Part(
        f"ami {follower.node.name}",
        status,
        detail,
        {
            "up": state.up,
            "since": state.since.isoformat(timespec="seconds"),
            "reconnects": state.reconnects,
            "events": state.events,
            "dropped_events": state.dropped,
            "malformed_events": state.malformed,
            "open_calls": len(follower.machine.open_calls()),
            "asterisk": follower.version or None,
        },
    )


class Figures:
    """Brings the metrics up to date with the parts' own counters, which only grow."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self._seen: dict[tuple[str, str], int] = {}

    def _grown(self, source: str, name: str, now: int) -> int:
        """How much a counter has grown since the last look."""
        before = self._seen.get((source, name), 0)
        self._seen[source, name] = now
        return max(0, now - before)

    def refresh(
        self,
        nodes: Sequence[LedNode],
        writer: FactWriter,
        journal: Journal,
        leadership: Leadership,
    ) -> None:
        """Called about once a second."""
        metrics, counts = self.metrics, writer.counts
        metrics.facts_journaled.inc(self._grown("writer", "written", counts.written))
        metrics.facts_applied.inc(self._grown("writer", "applied", counts.applied))
        metrics.facts_rejected.inc(self._grown("writer", "rejected", counts.rejected))
        metrics.facts_late.inc(self._grown("writer", "late", counts.late))
        metrics.journal_bytes.set(journal.backlog_bytes)
        metrics.journal_facts.set(journal.backlog_facts)
        metrics.database_up.set(writer.trouble is None and leadership.trouble is None)
        for node in nodes:
            if node.follower is not None:
                self._follower(node.follower)
            if node.keeper is not None:
                state = node.keeper.state
                metrics.recordings_waiting(node.name, state.waiting, state.oldest)
                gone = self._grown(f"keeper {node.name} {node.term}", "deleted", state.deleted)
                metrics.recordings_deleted(node.name, gone)
            if node.dialing is not None:
                self._dialing(node.name, node.term, node.dialing)
            if node.sending is not None:
                sent = node.sending.state
                metrics.outbox(
                    node.name, queued=sent.queued, unknown=sent.unknown, failed=sent.failed
                )

    def _dialing(self, node: str, term: int, dialing: Dialing) -> None:
        state, source = dialing.state, f"dialing {node} {term}"
        self.metrics.campaign_calls(node, state.calls)
        for (campaign, result), count in state.ended.items():
            more = self._grown(source, f"{campaign} {result}", count)
            self.metrics.attempts_ended(node, campaign, result, more)
        for campaign, count in state.drops.items():
            more = self._grown(source, f"{campaign} drops", count)
            self.metrics.drops(node, campaign, more)

    def _follower(self, follower: NodeFollower) -> None:
        name, state = follower.node.name, follower.link.state
        link = self.metrics.link(name, "ami")
        link.up.set(state.up)
        link.reconnects.inc(self._grown(name, "reconnects", state.reconnects))
        link.received.inc(self._grown(name, "events", state.events))
        link.dropped.inc(self._grown(name, "dropped", state.dropped))
        link.malformed.inc(self._grown(name, "malformed", state.malformed))
        waiting: Counter[str] = Counter(dict.fromkeys(follower.presence.queues, 0))
        for call in follower.machine.open_calls():
            if call.phase is Phase.WAITING and call.visit is not None:
                waiting[call.visit.queue] += 1
        self.metrics.calls_waiting(name, waiting)
        self.metrics.agents(name, follower.presence.count_by_state())
