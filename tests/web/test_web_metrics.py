"""The metrics: names, units, labels, and figures as Prometheus reads them."""

from datetime import UTC, datetime

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from ccmiddleware.web.metrics import Metrics


def shown(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = generate_latest(metrics.registry).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_link_counts_its_events() -> None:
    metrics = Metrics()
    link = metrics.link("pbx1", "ami")
    link.up.set(1)
    link.received.inc(3)
    link.dropped.inc()
    link.lag.observe(0.02)

    figures = shown(metrics)

    labels = (("link", "ami"), ("node", "pbx1"))
    assert figures["ccm_link_up", labels] == 1
    assert figures["ccm_events_received_total", labels] == 3
    assert figures["ccm_events_dropped_total", labels] == 1
    assert figures["ccm_events_malformed_total", labels] == 0
    assert figures["ccm_link_reconnects_total", labels] == 0
    assert figures["ccm_event_lag_seconds_count", labels] == 1
    assert figures["ccm_event_lag_seconds_bucket", (("le", "0.025"), *labels)] == 1
    assert figures["ccm_event_lag_seconds_bucket", (("le", "0.01"), *labels)] == 0


def test_a_node_shows_its_counters_from_the_start() -> None:
    metrics = Metrics()
    metrics.node("pbx1")
    metrics.interactions("pbx1", 1, {"abandoned": 1})
    metrics.recording("pbx1", "finished")

    figures = shown(metrics)

    def ended(outcome: str) -> float:
        return figures["ccm_interactions_ended_total", (("node", "pbx1"), ("outcome", outcome))]

    assert figures["ccm_interactions_started_total", (("node", "pbx1"),)] == 1
    assert (ended("abandoned"), ended("answered"), ended("lost")) == (1, 0, 0)
    assert figures["ccm_recordings_total", (("node", "pbx1"), ("state", "finished"))] == 1
    assert figures["ccm_recordings_total", (("node", "pbx1"), ("state", "missing"))] == 0


def test_recordings_that_wait_and_those_that_were_deleted() -> None:
    metrics = Metrics()
    metrics.node("pbx1")
    oldest = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
    metrics.recordings_waiting("pbx1", 3, oldest)
    metrics.recordings_deleted("pbx1", 2)
    node = (("node", "pbx1"),)
    figures = shown(metrics)
    assert figures["ccm_recordings_waiting", node] == 3
    since = "ccm_recordings_waiting_since_timestamp_seconds"
    assert figures[since, node] == oldest.timestamp()
    assert figures["ccm_recordings_total", (*node, ("state", "deleted"))] == 2
    metrics.unled("pbx1")
    figures = shown(metrics)
    assert (figures["ccm_recordings_waiting", node], figures[since, node]) == (0, 0)


def test_queues_and_states_that_are_gone_are_not_shown_as_they_were() -> None:
    metrics = Metrics()
    metrics.calls_waiting("pbx1", {"sales": 2, "support": 1})
    metrics.calls_waiting("pbx2", {"support": 9})
    metrics.agents("pbx1", {"idle": 3, "talking": 1})

    metrics.calls_waiting("pbx1", {"sales": 0})
    metrics.agents("pbx1", {"idle": 2})

    figures = shown(metrics)
    waiting = {labels: value for (name, labels), value in figures.items() if "waiting" in name}
    assert waiting == {
        (("node", "pbx1"), ("queue", "sales")): 0,
        (("node", "pbx2"), ("queue", "support")): 9,
    }
    assert figures["ccm_agents", (("node", "pbx1"), ("state", "idle"))] == 2
    assert figures["ccm_agents", (("node", "pbx1"), ("state", "talking"))] == 0


def test_campaigns_that_are_over_are_not_shown_as_they_were() -> None:
    metrics = Metrics()
    metrics.campaign_calls("pbx1", {"spring": 3, "summer": 1})
    metrics.campaign_calls("pbx1", {"summer": 2})
    metrics.attempts_ended("pbx1", "spring", "dropped", 2)
    metrics.drops("pbx1", "spring", 2)
    figures = shown(metrics)
    spring = (("campaign", "spring"), ("node", "pbx1"))
    assert ("ccm_campaign_calls", spring) not in figures
    assert figures["ccm_campaign_calls", (("campaign", "summer"), ("node", "pbx1"))] == 2
    assert figures["ccm_campaign_attempts_total", (*spring, ("result", "dropped"))] == 2
    assert figures["ccm_campaign_drops_total", spring] == 2
    metrics.unled("pbx1")
    assert not any(name == "ccm_campaign_calls" for name, _ in shown(metrics))


def test_every_name_is_ours_and_every_metric_is_explained() -> None:
    metrics = Metrics()
    metrics.facts_journaled.inc()
    metrics.facts_applied.inc()
    metrics.facts_rejected.inc()
    metrics.journal_bytes.set(10)
    metrics.journal_facts.set(1)
    metrics.database_up.set(1)

    families = list(text_string_to_metric_families(generate_latest(metrics.registry).decode()))

    assert all(family.name.startswith(("ccm_", "process_")) for family in families)
    assert all(family.documentation for family in families)
    assert {"ccm_journal_backlog_bytes", "ccm_database_up", "ccm_build_info"} <= {
        family.name for family in families
    }


def test_a_hostile_queue_name_stays_one_label() -> None:
    metrics = Metrics()
    name = 'x"} 1\nccm_forged{a="\\'
    metrics.calls_waiting("pbx1", {name: 4})

    figures = shown(metrics)

    assert figures["ccm_calls_waiting", (("node", "pbx1"), ("queue", name))] == 4
    assert not any(sample.startswith("ccm_forged") for sample, _ in figures)


def test_what_is_known_of_a_node_that_one_leads_is_forgotten_with_the_lead() -> None:
    metrics = Metrics()
    metrics.node("pbx1")
    metrics.leading("pbx1").set(1)
    metrics.link("pbx1", "ami").up.set(True)
    metrics.calls_waiting("pbx1", {"sales": 2})
    metrics.agents("pbx1", {"idle": 3})
    metrics.interactions("pbx1", 1, {})
    metrics.leading("pbx1").set(0)
    metrics.unled("pbx1")
    read = metrics.registry.get_sample_value
    assert read("ccm_node_leading", {"node": "pbx1"}) == 0
    assert read("ccm_link_up", {"node": "pbx1", "link": "ami"}) == 0
    assert read("ccm_calls_waiting", {"node": "pbx1", "queue": "sales"}) is None
    assert read("ccm_agents", {"node": "pbx1", "state": "idle"}) == 0
    assert read("ccm_interactions_started_total", {"node": "pbx1"}) == 1
