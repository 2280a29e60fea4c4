"""`campaign check`: what keeps a campaign from starting, and what is only worth saying."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ccmiddleware.dialer.checking import Facts, Finding, Level, SoundFile, check, may_start
from ccmiddleware.dialer.profile_files import builtin, parse_profile
from ccmiddleware.dialer.profiles import Cap
from ccmiddleware.dialer.windows import CampaignHours
from ccmiddleware.queues.hours import parse_week

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)

GOOD = Facts(
    mode="predictive",
    caller_ids=("+13055550100",),
    seller_name="Acme",
    seller_number="+13055550100",
    ring_seconds=22,
    agent_seconds=2.0,
    message=SoundFile("acme/safe-harbour"),
    opt_out_key="9",
    detection_seconds=1.8,
    hours=CampaignHours(parse_week("mon-fri 09:00-18:00")),
    queue="sales",
    members=10,
    members_nailed_up=10,
    scrubbed_at=NOW - timedelta(days=3),
    leads=1000,
)


def test_a_good_campaign_may_start() -> None:
    assert check(GOOD, builtin("us-ftc"), NOW) == []
    assert may_start([])


def hours(text: str, zone: str | None = None) -> CampaignHours:
    return CampaignHours(parse_week(text), zone=zone)


# what is different, key, what is wrong, what is right, rule (in part)
ERRORS: list[tuple[dict[str, Any], str, str, str, str]] = [
    ({"mode": "robot"}, "mode", "'robot' is no mode", "predictive", ""),
    ({"caller_ids": ()}, "caller_id", "no caller id", "called back", "310.4(a)(8)"),
    ({"seller_name": " "}, "seller_name", "not set", "the message says", "310.4(b)(4)(iii)"),
    ({"seller_number": ""}, "seller_number", "not set", "the message says", "310.4(b)(4)(iii)"),
    ({"ring_seconds": 14}, "ring_seconds", "for 14 s", "at least 15 s", "310.4(b)(4)(ii)"),
    ({"ring_seconds": 0}, "ring_seconds", "for 0 s", "at least 15 s", "310.4(b)(4)(ii)"),
    ({"agent_seconds": 2.5}, "agent_seconds", "2.5 s", "2 s or less", "310.4(b)(1)(iv)"),
    ({"drop_limit": 0.05}, "drop_limit", "5.00% is above", "0.03 or less", "310.4(b)(4)(i)"),
    ({"drop_limit": 0.0}, "mode", "no drop is allowed", "progressive or preview", "310.4"),
    ({"message": None}, "message", "no safe-harbour recording", "name and telephone", "310.4"),
    ({"message": SoundFile("a/b", "no such file")}, "message", "'a/b' can't be played: no such",
     "Asterisk can read", ""),
    ({"machine_message": SoundFile("a/m", "permission denied"), "leads_without_consent": 0},
     "machine_message", "permission denied", "Asterisk can read", ""),
    ({"opt_out_key": ""}, "opt_out_key", "no key", "0 to 9", "64.1200"),
    ({"opt_out_key": "12"}, "opt_out_key", "'12' is no key", "0 to 9", ""),
    ({"opt_out_key": "9*"}, "opt_out_key", "'9*' is no key", "0 to 9", ""),
    ({"detection_seconds": 3.5}, "detection_seconds", "may take 3.5 s", "2 s or less", "310.4"),
    ({"scrubbed_at": None}, "dnc", "never compared", "ccm dnc import", "310.4(b)(3)(iv)"),
    ({"scrubbed_at": NOW - timedelta(days=31, seconds=1)}, "dnc", "31 days ago",
     "at least every 31 days", "310.4(b)(3)(iv)"),
    ({"scrubbed_at": NOW - timedelta(days=90)}, "dnc", "90 days ago", "every 31 days", "310.4"),
    ({"hours": hours("mon-sun 22:00-06:00")}, "hours", "no part of", "within", "64.1200(c)(1)"),
    ({"hours": CampaignHours(((),) * 7)}, "hours", "never open", "mon-fri 09:00-18:00", ""),
    ({"cap": Cap(0, 24, "ours")}, "cap", "0 calls in 24 hours is no cap", "1 or more", ""),
    ({"queue": ""}, "queue", "is not set", "agents take the calls", ""),
    ({"queue_exists": False}, "queue", "no queue 'sales'", "one that it has", ""),
    ({"members": 0}, "queue", "'sales' has no members", "add agents", ""),
    ({"mode": "agentless", "leads_without_consent": 7}, "consent", "7 leads did not agree",
     "in writing", "64.1200(a)(2)"),
]  # fmt: skip


@pytest.mark.parametrize(("different", "key", "wrong", "right", "rule"), ERRORS)
def test_error(different: dict[str, Any], key: str, wrong: str, right: str, rule: str) -> None:
    found = check(replace(GOOD, **different), builtin("us-ftc"), NOW)
    errors = [each for each in found if each.level is Level.ERROR]
    assert [each.key for each in errors] == [key]
    (finding,) = errors
    assert wrong in finding.wrong
    assert right in finding.right
    assert rule in finding.rule
    assert bool(finding.rule) is bool(rule)
    assert not may_start(found)


WARNINGS: list[tuple[dict[str, Any], str, str]] = [
    ({"scrubbed_at": NOW - timedelta(days=26)}, "dnc", "26 days ago"),
    ({"hours": hours("mon-fri 07:00-18:00")}, "hours", "more than the law's"),
    ({"members_nailed_up": 0}, "queue", "no member of 'sales' has an open line"),
    ({"machine_message": SoundFile("a/m"), "detection_seconds": None,
      "leads_without_consent": 0}, "machine_message", "never played"),
    ({"machine_message": SoundFile("a/m")}, "consent", "of none of the leads is it known"),
    ({"leads": 0}, "leads", "none to dial"),
    ({"leads_without_place": 1234}, "leads", "1,234"),
]  # fmt: skip


@pytest.mark.parametrize(("different", "key", "wrong"), WARNINGS)
def test_warning(different: dict[str, Any], key: str, wrong: str) -> None:
    found = check(replace(GOOD, **different), builtin("us-ftc"), NOW)
    assert [(each.level, each.key) for each in found] == [(Level.WARNING, key)]
    assert wrong in found[0].wrong
    assert may_start(found)


FINE: list[tuple[str, dict[str, Any]]] = [
    # what is no mistake in some mode, or with some value
    ("nobody is dropped in preview", {"mode": "preview", "message": None, "opt_out_key": ""}),
    ("nobody waits in preview", {"mode": "preview", "agent_seconds": 20.0}),
    ("ringing phones do in preview", {"mode": "preview", "members_nailed_up": 0}),
    ("nobody is needed", {"mode": "agentless", "queue": "", "leads_without_consent": 0}),
    ("no detection", {"detection_seconds": None}),
    ("exactly at the limits", {"ring_seconds": 15, "detection_seconds": 2.0, "drop_limit": 0.03}),
    ("no hours of its own", {"hours": None}),
    ("holidays alone", {"hours": CampaignHours()}),
    ("another clock", {"hours": hours("mon-fri 06:00-23:00", "Europe/Berlin")}),
    ("no drop, and none dialed ahead", {"mode": "progressive", "drop_limit": 0.0}),
    ("how many leads is not known", {"leads": None}),
]


@pytest.mark.parametrize(("why", "different"), FINE)
def test_no_mistake(why: str, different: dict[str, Any]) -> None:
    assert check(replace(GOOD, **different), builtin("us-ftc"), NOW) == [], why


def test_all_mistakes_are_told_at_once_and_errors_first() -> None:
    found = check(Facts(mode="predictive", leads_without_place=3), builtin("us-ftc"), NOW)
    assert [each.key for each in found] == [
        "caller_id", "seller_name", "seller_number", "ring_seconds", "message", "opt_out_key",
        "dnc", "queue", "leads",
    ]  # fmt: skip
    levels = [each.level for each in found]
    assert levels == [Level.ERROR] * 8 + [Level.WARNING]


def test_in_the_uk_no_share_is_safe_and_a_key_is_not_asked_for() -> None:
    found = check(
        replace(GOOD, opt_out_key="", scrubbed_at=NOW - timedelta(days=29)),
        builtin("uk-ofcom"),
        NOW,
    )
    assert [(each.level, each.key) for each in found] == [
        (Level.ERROR, "dnc"),
        (Level.WARNING, "mode"),
    ]
    assert "no share of them is safe" in found[1].wrong
    assert "PECR" in found[0].rule


def test_a_stricter_profile_finds_more() -> None:
    own = parse_profile(
        'builds_on = "us-ftc"\n[abandonment]\n'
        'ring_seconds = { value = 25, source = "our promise" }\n'
        'limit = { value = 0, source = "our promise" }\n',
        "own",
    )
    found = check(GOOD, own, NOW)
    assert [each.key for each in found] == ["ring_seconds", "mode"]
    assert {each.rule for each in found} == {"our promise"}


def test_a_finding_in_one_line() -> None:
    finding = Finding(Level.ERROR, "ring_seconds", "it rings for 9 s", "let it ring", "16 CFR")
    assert str(finding) == "ring_seconds: it rings for 9 s; let it ring (16 CFR)"
