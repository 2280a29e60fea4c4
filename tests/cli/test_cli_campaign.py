"""`ccm campaign` and `ccm trunk` on a real database."""

import asyncio
import csv
import json
from typing import Any

import asyncpg
import pytest
from ccm_day import Ccm


def asked(ccm: Ccm, *arguments: str) -> Any:
    return json.loads(ccm.run(*arguments, "--json").stdout)


@pytest.fixture
def draft(on_database: Ccm) -> Ccm:
    """A trunk and a draft."""
    on_database.run("trunk", "set", "provider", "--dial", "PJSIP/{number}@provider")
    on_database.run("campaign", "create", "spring", "mode=predictive", "trunks=provider")
    return on_database


def test_none_yet(on_database: Ccm) -> None:
    assert "`ccm campaign create NAME` makes one" in on_database.run("campaign", "list").stderr
    assert "no trunks: ccm trunk set" in on_database.run("trunk", "list").stderr
    said = on_database.run("campaign", "show", "x", code=1).stderr
    assert "there are no campaigns yet" in said
    assert "nothing was changed" in on_database.run("campaign", "history").stderr
    assert "there is no trunk 'x'" in on_database.run("trunk", "remove", "x", code=1).stderr


def test_a_draft_is_made_shown_and_deleted_and_its_history_stays(draft: Ccm) -> None:
    shown = asked(draft, "campaign", "show", "spring")
    assert shown["campaign"]["state"] == "draft"
    assert shown["campaign"]["leads"] == 0
    assert shown["set"] == ["mode", "trunks"]
    assert shown["settings"]["mode"] == "predictive"
    assert shown["settings"]["ring_seconds"] == 25
    text = draft.run("campaign", "show", "spring")
    assert "not set: node, queue, profile" in text.stderr
    assert "default" in text.stdout
    assert "seller_name" in draft.run("campaign", "show", "spring", "--all").stdout
    assert (
        "there is a campaign 'spring' already"
        in draft.run("campaign", "create", "spring", code=2).stderr
    )
    assert "is deleted" in draft.run("campaign", "delete", "spring").stderr
    assert asked(draft, "campaign", "list") == []
    history = [(one["what"], one["before"], one["after"]) for one in
               asked(draft, "campaign", "history", "spring")]  # fmt: skip
    assert history == [
        ("deleted", "draft", None),
        ("mode", None, "predictive"),
        ("state", None, "draft"),
        ("trunks", None, "provider"),
    ]


def test_settings_change_with_their_history(draft: Ccm) -> None:
    result = asked(draft, "campaign", "set", "spring", "mode=power", "ratio=2", "weight=3")
    assert result["revision"] == 2
    assert [(one["what"], one["before"], one["after"]) for one in result["changes"]] == [
        ("mode", "predictive", "power"),
        ("ratio", None, "2"),
        ("weight", None, "3"),
    ]
    assert asked(draft, "campaign", "set", "spring", "ratio=2.0")["changes"] == []
    assert asked(draft, "campaign", "show", "spring")["campaign"]["revision"] == 2
    dry = draft.run("campaign", "set", "spring", "ratio=", "--dry-run")
    assert "nothing was changed; this would be" in dry.stderr
    assert asked(draft, "campaign", "show", "spring")["settings"]["ratio"] == 2.0
    asked(draft, "campaign", "set", "spring", "ratio=")
    assert asked(draft, "campaign", "show", "spring")["settings"]["ratio"] == 1.5
    assert asked(draft, "campaign", "list")[0]["mode"] == "power"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("campaign", "create", "../x"), 2, "no name of a campaign"),
        (("campaign", "create", "x", "mode=fast"), 2, "mode: 'fast' is none"),
        (("campaign", "set", "sprin", "weight=1"), 1, "did you mean spring"),
        (("campaign", "set", "spring", "trunks=other"), 2, "there is no trunk 'other'"),
        (("campaign", "set", "spring", "node=pbx9"), 2, "there is no node 'pbx9'; there are pbx1"),
        (("campaign", "pause", "spring"), 2, "the campaign is draft; only one that is running"),
        (("campaign", "delete", "other"), 1, "there is no campaign 'other'"),
        (("trunk", "remove", "provider"), 2, "provider is a trunk of spring"),
        (("trunk", "set", "new"), 2, "say what to dial"),
        (("trunk", "set", "new", "--dial", "PJSIP/1@p"), 2, "nothing to dial"),
        (("trunk", "set", "new", "--dial", "PJSIP/{number}", "--channels", "0"), 2, "1<=x"),
    ],
)
def test_what_is_wrong_changes_nothing(
    draft: Ccm, arguments: tuple[str, ...], code: int, said: str
) -> None:
    before = asked(draft, "campaign", "list"), asked(draft, "campaign", "history")
    trunks = asked(draft, "trunk", "list")
    assert said in draft.run(*arguments, code=code).stderr
    assert (asked(draft, "campaign", "list"), asked(draft, "campaign", "history")) == before
    assert asked(draft, "trunk", "list") == trunks


def test_trunks_keep_what_is_not_given(draft: Ccm) -> None:
    draft.run("trunk", "set", "provider", "--channels", "60", "--note", "fibre")
    row = asked(draft, "trunk", "list")[0]
    assert (row["dial"], row["channels"], row["calls_per_second"], row["note"]) == (
        "PJSIP/{number}@provider", 60, 5, "fibre",
    )  # fmt: skip
    assert row["campaigns"] == ["spring"]
    draft.run("campaign", "set", "spring", "trunks=")
    assert asked(draft, "trunk", "remove", "provider") == []


def test_a_queue_that_is_not_there_is_told(filled: Ccm) -> None:
    said = filled.run("campaign", "create", "a", "node=pbx1", "queue=nowhere").stderr
    assert "pbx1 has no queue 'nowhere' so far" in said
    said = filled.run("campaign", "set", "a", "queue=support").stderr
    assert "no queue" not in said


READY = (
    "node=pbx1", "queue=support", "profile=us-ftc", "caller_ids=+12125550100",
    "seller_name=Example", "seller_number=+12125550100", "safe_harbour_message=custom/sorry",
    "opt_out_key=9",
)  # fmt: skip


@pytest.fixture
def ready(filled: Ccm) -> Ccm:
    """A campaign that lacks nothing."""
    filled.run("trunk", "set", "provider", "--dial", "PJSIP/{number}@provider")
    filled.run("campaign", "create", "spring", "mode=predictive", "trunks=provider", *READY)
    filled.run("dnc", "scrubbed", "--source", "national")
    return filled


def findings(ccm: Ccm, *arguments: str, code: int) -> dict[str, str]:
    rows = json.loads(ccm.run("campaign", *arguments, "--json", code=code).stdout)
    rows = rows if isinstance(rows, list) else rows["findings"]
    return {row["key"]: row["level"] for row in rows}


def test_a_draft_says_what_it_lacks(draft: Ccm) -> None:
    assert findings(draft, "check", "spring", code=1) == {"profile": "error", "node": "error"}
    draft.run("campaign", "set", "spring", "profile=us-ftc", "trunks=")
    found = findings(draft, "check", "spring", code=1)
    assert {key for key, level in found.items() if level == "error"} == {
        "node", "trunks", "caller_id", "seller_name", "seller_number", "message", "opt_out_key",
        "dnc", "queue",
    }  # fmt: skip
    refused = draft.run("campaign", "start", "spring", code=1)
    assert "nothing was changed: spring may not dial like that" in refused.stderr
    assert "16 CFR 310.4" in refused.stdout
    assert findings(draft, "start", "spring", code=1) == found
    assert asked(draft, "campaign", "show", "spring")["campaign"]["state"] == "draft"
    said = draft.run("campaign", "set", "spring", "profile=nowhere", code=2).stderr
    assert "there is no such profile" in said


def test_a_campaign_that_lacks_nothing_runs_pauses_and_stops(ready: Ccm) -> None:
    found = findings(ready, "check", "spring", code=0)
    assert set(found.values()) <= {"warning"}
    started = asked(ready, "campaign", "start", "spring")
    assert (started["state"], {one["level"] for one in started["findings"]}) == (
        "running", {"warning"},
    )  # fmt: skip
    assert (
        "only one that is draft or paused or stopped"
        in ready.run("campaign", "start", "spring", code=2).stderr
    )
    for action, state in (("pause", "paused"), ("start", "running"), ("stop", "stopped")):
        assert asked(ready, "campaign", action, "spring")["state"] == state
    assert "stays" in ready.run("campaign", "delete", "spring", code=2).stderr
    changes = [(one["before"], one["after"]) for one in
               asked(ready, "campaign", "history", "spring") if one["what"] == "state"]  # fmt: skip
    assert changes == [
        ("running", "stopped"), ("paused", "running"), ("running", "paused"),
        ("draft", "running"), (None, "draft"),
    ]  # fmt: skip


def test_one_that_runs_can_not_be_set_to_what_is_not_allowed(ready: Ccm) -> None:
    ready.run("campaign", "start", "spring")
    assert findings(ready, "set", "spring", "opt_out_key=", code=1)["opt_out_key"] == "error"
    assert findings(ready, "set", "spring", "ring_seconds=10", code=1)["ring_seconds"] == "error"
    shown = asked(ready, "campaign", "show", "spring")
    assert (shown["settings"]["opt_out_key"], shown["settings"]["ring_seconds"]) == ("9", 25)
    assert asked(ready, "campaign", "set", "spring", "ring_seconds=20")["changes"]
    assert "node can't be changed" in ready.run("campaign", "set", "spring", "node=", code=2).stderr


def test_evidence_of_what_was_called(draft: Ccm, database_url: str) -> None:
    said = draft.run("campaign", "evidence", "+13052220001").stderr
    assert "no attempts: +13052220001 was not called in that time" in said
    assert "nobody in campaign spring" in draft.run("campaign", "evidence", "spring").stderr
    said = draft.run("campaign", "evidence", "sprin", code=1).stderr
    assert "there is no campaign 'sprin'" in said
    assert "is no number" in draft.run("campaign", "evidence", "+1", code=2).stderr
    sql = """
        INSERT INTO ccm.place (country, zones, states)
        VALUES ('US', '{America/New_York}', '{US-FL}');
        INSERT INTO ccm.lead (campaign_id, external_id, place_id)
        SELECT id, 'x-1', 1 FROM ccm.campaign;
        INSERT INTO ccm.attempt (campaign_id, lead_id, ordinal, number, number_ordinal, node, term,
            mode, trunk, caller_id, claimed_at, ended_at, result)
        SELECT id, 1, n, '+1305222000' || n, n, 'pbx1', 1, 'predictive', 'one', '+12025550100',
            timestamptz '2026-11-30 15:00+00' + n * interval '1 day',
            timestamptz '2026-11-30 15:01+00' + n * interval '1 day', 'no_answer'
        FROM ccm.campaign, generate_series(1, 2) AS n;
        INSERT INTO ccm.permit
        SELECT id, claimed_at, 2, 'us-ftc 1', 1, 'area code 305', claimed_at + interval '1 hour',
            '47 CFR', '[{"calls": 3}]', '[0]', 7, NULL, 'by form', '+12025550100', 'Acme',
            '+12025550199', 'offer', 25, false FROM ccm.attempt;
        """

    async def put() -> None:
        connection = await asyncpg.connect(database_url, timeout=30)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    asyncio.run(put())
    draft.run("dnc", "add", "+13052220001")
    lines = draft.run("campaign", "evidence", "+1 (305) 222-0001", "--json").stdout.splitlines()
    attempt, entry = (json.loads(line) for line in lines)
    assert (attempt["kind"], attempt["number"], attempt["result"]) == (
        "attempt", "+13052220001", "no_answer",
    )  # fmt: skip
    assert (attempt["permitted"], attempt["profile"], attempt["caps"]) == (
        True, "us-ftc 1", [{"calls": 3}],
    )  # fmt: skip
    assert (entry["kind"], entry["number"], entry["holds"]) == ("dnc_entry", "+13052220001", True)
    result = draft.run("campaign", "evidence", "spring", "--since", "2026-12-02T00:00Z")
    header, row = csv.reader(result.stdout.splitlines())
    assert dict(zip(header, row, strict=True))["number"] == "+13052220002"
    both = draft.run("campaign", "evidence", "+13052220001")
    assert len(both.stdout.splitlines()) == 2
    assert "had, 1 entries about it" in both.stderr
