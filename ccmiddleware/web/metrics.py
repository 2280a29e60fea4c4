"""All metrics of the daemon, in one place: names, units, labels.

Names begin with ``ccm_`` and end with their unit, as Prometheus has it; labels are few and
bounded (node, link, queue, and states of fixed lists). Every daemon has its own registry. The
parts call the methods here; none of them needs to know Prometheus.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from ccmiddleware import __version__
from ccmiddleware.facts import AgentStateName, Outcome, RecordingState

LAG_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds. Asterisk's timestamps have microseconds; a busy minute shows at the upper end."""


@dataclass(frozen=True)
class LinkMetrics:
    """The metrics of one link to one node, looked up once since they change with every event."""

    up: Gauge
    reconnects: Counter
    received: Counter
    dropped: Counter
    malformed: Counter
    lag: Histogram


class Metrics:
    """Every metric, registered in ``registry``. Safe to use from any thread."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = own = registry if registry is not None else CollectorRegistry()
        ProcessCollector(registry=own)
        link = ["node", "link"]
        self._up = Gauge("ccm_link_up", "Link to Asterisk is up (ami, ari).", link, registry=own)
        self._reconnects = Counter(
            "ccm_link_reconnects", "Links that were lost and came back.", link, registry=own
        )
        self._received = Counter(
            "ccm_events_received", "Events that came from Asterisk.", link, registry=own
        )
        self._dropped = Counter(
            "ccm_events_dropped", "Events dropped since too many waited.", link, registry=own
        )
        self._malformed = Counter(
            "ccm_events_malformed", "Events that could not be read.", link, registry=own
        )
        self._lag = Histogram(
            "ccm_event_lag_seconds",
            "From Asterisk's timestamp of an event until it was handled.",
            link,
            buckets=LAG_BUCKETS,
            registry=own,
        )
        self.facts_journaled = Counter(
            "ccm_facts_journaled", "Facts written to the journal on disk.", registry=own
        )
        self.facts_applied = Counter(
            "ccm_facts_applied", "Facts that Postgres has taken.", registry=own
        )
        self.facts_rejected = Counter(
            "ccm_facts_rejected", "Facts that Postgres refused for good; kept aside.", registry=own
        )
        self.journal_bytes = Gauge(
            "ccm_journal_backlog_bytes", "Bytes on disk that Postgres lacks.", registry=own
        )
        self.journal_facts = Gauge(
            "ccm_journal_backlog_facts", "Facts on disk that Postgres lacks.", registry=own
        )
        self.database_up = Gauge("ccm_database_up", "Postgres takes facts.", registry=own)
        self._leading = Gauge(
            "ccm_node_leading", "This daemon leads the node.", ["node"], registry=own
        )
        self.facts_late = Counter(
            "ccm_facts_late", "Facts set aside: a later leader had taken over.", registry=own
        )
        self._started = Counter(
            "ccm_interactions_started", "Interactions begun.", ["node"], registry=own
        )
        self._ended = Counter(
            "ccm_interactions_ended",
            "Interactions ended, by how.",
            ["node", "outcome"],
            registry=own,
        )
        self._waiting = Gauge(
            "ccm_calls_waiting", "Callers in a queue now.", ["node", "queue"], registry=own
        )
        self._agents = Gauge(
            "ccm_agents", "Agents by what they do now.", ["node", "state"], registry=own
        )
        self._recordings = Counter(
            "ccm_recordings", "Recordings that came into a state.", ["node", "state"], registry=own
        )
        self._waiting_recordings = Gauge(
            "ccm_recordings_waiting",
            "Finished recordings to be compressed, stored or deleted.",
            ["node"],
            registry=own,
        )
        self._oldest_recording = Gauge(
            "ccm_recordings_waiting_since_timestamp_seconds",
            "When the talk of the oldest of them ended, or it was given up; 0 if there is none.",
            ["node"],
            registry=own,
        )
        self._outbox = Gauge(
            "ccm_outbox_messages",
            "Messages that wait to be sent (queued), of which nobody can tell whether they were "
            "(unknown), and that failed in the last day.",
            ["node", "state"],
            registry=own,
        )
        campaign = ["node", "campaign"]
        self._campaign_calls = Gauge(
            "ccm_campaign_calls", "Calls of campaigns that are under way.", campaign, registry=own
        )
        self._attempts = Counter(
            "ccm_campaign_attempts",
            "Attempts of campaigns that are over, by result.",
            [*campaign, "result"],
            registry=own,
        )
        self._drops = Counter(
            "ccm_campaign_drops",
            "Persons who answered and got no agent in time.",
            campaign,
            registry=own,
        )
        build = Gauge("ccm_build_info", "1; the version is the label.", ["version"], registry=own)
        build.labels(__version__).set(1)
        self._queues: dict[str, set[str]] = {}
        self._campaigns: dict[str, set[str]] = {}

    def link(self, node: str, link: str) -> LinkMetrics:
        """The metrics of a node's link, ``ami`` or ``ari``; they exist from then on."""
        return LinkMetrics(
            up=self._up.labels(node, link),
            reconnects=self._reconnects.labels(node, link),
            received=self._received.labels(node, link),
            dropped=self._dropped.labels(node, link),
            malformed=self._malformed.labels(node, link),
            lag=self._lag.labels(node, link),
        )

    def node(self, node: str) -> None:
        """Show every counter of a node from its start, so that the first increase is seen."""
        self._started.labels(node)
        for outcome in get_args(Outcome):
            self._ended.labels(node, outcome)
        for state in get_args(RecordingState):
            self._recordings.labels(node, state)

    def leading(self, node: str) -> Gauge:
        """Whether this daemon leads the node; 0 to begin with."""
        return self._leading.labels(node)

    def unled(self, node: str) -> None:
        """Forget what is only known of a node that one leads."""
        self._up.labels(node, "ami").set(0)
        self.recordings_waiting(node, 0, None)
        self.calls_waiting(node, {})
        self.outbox(node, queued=0, unknown=0, failed=0)
        self.agents(node, {})
        self.campaign_calls(node, {})

    def interactions(self, node: str, started: int, ended: Mapping[Outcome, int]) -> None:
        """So many interactions began, and so many ended with each outcome."""
        if started:
            self._started.labels(node).inc(started)
        for outcome, number in ended.items():
            self._ended.labels(node, outcome).inc(number)

    def recording(self, node: str, state: RecordingState) -> None:
        """A recording came into a state."""
        self._recordings.labels(node, state).inc()

    def recordings_waiting(self, node: str, number: int, oldest: datetime | None) -> None:
        """How many recordings wait for something to be done with their files, and since when."""
        self._waiting_recordings.labels(node).set(number)
        self._oldest_recording.labels(node).set(oldest.timestamp() if oldest is not None else 0)

    def recordings_deleted(self, node: str, number: int) -> None:
        """So many recordings were given up since their time was over."""
        self._recordings.labels(node, "deleted").inc(number)

    def outbox(self, node: str, **by_state: int) -> None:
        """How many messages are in the outbox of a node."""
        for state, number in by_state.items():
            self._outbox.labels(node, state).set(number)

    def campaign_calls(self, node: str, by_campaign: Mapping[str, int]) -> None:
        """Calls under way, of all campaigns of the node; one that is not named is forgotten."""
        for gone in self._campaigns.get(node, set()) - by_campaign.keys():
            self._campaign_calls.remove(node, gone)
        self._campaigns[node] = set(by_campaign)
        for campaign, count in by_campaign.items():
            self._campaign_calls.labels(node, campaign).set(count)

    def attempts_ended(self, node: str, campaign: str, result: str, number: int) -> None:
        """So many attempts more are over with that result."""
        self._attempts.labels(node, campaign, result).inc(number)

    def drops(self, node: str, campaign: str, number: int) -> None:
        """So many persons more got no agent in time."""
        self._drops.labels(node, campaign).inc(number)

    def calls_waiting(self, node: str, by_queue: Mapping[str, int]) -> None:
        """Who waits now, all queues of the node; a queue that is not named is forgotten."""
        for gone in self._queues.get(node, set()) - by_queue.keys():
            self._waiting.remove(node, gone)
        self._queues[node] = set(by_queue)
        for queue, count in by_queue.items():
            self._waiting.labels(node, queue).set(count)

    def agents(self, node: str, by_state: Mapping[AgentStateName, int]) -> None:
        """What the agents of the node do now; a state that is not named has none."""
        for state in get_args(AgentStateName):
            self._agents.labels(node, state).set(by_state.get(state, 0))
