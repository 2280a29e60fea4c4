"""`ccm dnc` on a real database: entries come and go with the version of the list, and all stays."""

import json
from pathlib import Path
from typing import Any

import pytest
from ccm_day import Ccm

NUMBER = "+12025550123"


def asked(ccm: Ccm, *arguments: str, code: int = 0) -> Any:
    return json.loads(ccm.run("dnc", *arguments, "--json", code=code).stdout)


@pytest.fixture
def campaign(on_database: Ccm) -> Ccm:
    on_database.run("campaign", "create", "spring")
    return on_database


def forbidden(ccm: Ccm, number: str, *arguments: str, code: int = 1) -> list[str]:
    """The sources whose entries forbid a number; with ``code`` 0 none does."""
    found = asked(ccm, "check", number, *arguments, code=code)[0]
    assert found["listed"] is (code == 1)
    return [one["source"] for one in found["entries"]]


def test_none_yet(campaign: Ccm) -> None:
    assert "`ccm dnc add` and `ccm dnc import`" in campaign.run("dnc", "list").stderr
    assert forbidden(campaign, NUMBER, code=0) == []
    assert "no public list was noted" in campaign.run("dnc", "scrubbed").stderr
    assert "nothing to change" in campaign.run("dnc", "remove", NUMBER, code=1).stderr
    assert asked(campaign, "remove", NUMBER, code=1)["version"] == 0


def test_entries_come_and_go_with_the_version(campaign: Ccm) -> None:
    assert asked(campaign, "add", NUMBER, "+1 900*", NUMBER) == {
        "added": 2, "prolonged": 0, "removed": 0, "version": 1,
    }  # fmt: skip
    assert asked(campaign, "add", NUMBER)["version"] == 1
    assert forbidden(campaign, NUMBER) == ["internal"]
    assert forbidden(campaign, "+19002220123") == ["internal"]
    assert forbidden(campaign, "+12025550124", code=0) == []
    assert asked(campaign, "add", NUMBER, "--source", "opt_out")["version"] == 2
    assert asked(campaign, "remove", NUMBER, "--source", "internal")["version"] == 3
    assert forbidden(campaign, NUMBER) == ["opt_out"]
    assert asked(campaign, "remove", NUMBER) == {
        "added": 0, "prolonged": 0, "removed": 1, "version": 4,
    }  # fmt: skip
    assert forbidden(campaign, NUMBER, code=0) == []
    rows = asked(campaign, "list", "--all")
    assert [(one["number"], one["source"], one["added_version"], one["removed_version"])
            for one in rows] == [
        (NUMBER, "opt_out", 2, 4), ("+1900", "internal", 1, None), (NUMBER, "internal", 1, 3),
    ]  # fmt: skip
    assert [one["number"] for one in asked(campaign, "list")] == ["+1900"]
    assert "+1900*" in campaign.run("dnc", "list").stdout


def test_entries_for_one_campaign(campaign: Ccm) -> None:
    campaign.run("campaign", "create", "summer")
    asked(campaign, "add", NUMBER, "--campaign", "spring")
    assert forbidden(campaign, NUMBER, "--campaign", "spring") == ["internal"]
    assert forbidden(campaign, NUMBER, "--campaign", "summer", code=0) == []
    assert asked(campaign, "remove", NUMBER, code=1)["removed"] == 0
    assert asked(campaign, "remove", NUMBER, "--campaign", "spring")["removed"] == 1
    said = campaign.run("dnc", "add", NUMBER, "--campaign", "winter", code=1).stderr
    assert "there is no campaign 'winter'" in said
    said = campaign.run("campaign", "delete", "spring", code=2).stderr
    assert "entries of the do-not-call list" in said


def test_adding_prolongs_and_never_shortens(campaign: Ccm) -> None:
    assert asked(campaign, "add", NUMBER, "--expires", "2999-01-01")["added"] == 1
    assert asked(campaign, "add", NUMBER, "--expires", "2998-01-01")["version"] == 1
    assert asked(campaign, "add", NUMBER, "--expires", "2999-06-01")["prolonged"] == 1
    assert asked(campaign, "add", NUMBER) == {
        "added": 0, "prolonged": 1, "removed": 0, "version": 3,
    }  # fmt: skip
    assert asked(campaign, "add", NUMBER, "--expires", "2999-01-01")["version"] == 3
    assert [one["expires_at"] for one in asked(campaign, "list")] == [None]
    assert len(asked(campaign, "list", "--all")) == 3
    assert (
        "over already"
        in campaign.run("dnc", "add", NUMBER, "--expires", "2020-01-01", code=2).stderr
    )


def test_files_come_whole_and_replace_their_source(campaign: Ccm, tmp_path: Path) -> None:
    file = tmp_path / "national.txt"
    file.write_text("202,5550123\n202,5550124\n")
    arguments = ("import", str(file), "--source", "national", "--region", "US")
    dry = asked(campaign, *arguments, "--dry-run")
    assert (dry["added"], dry["version"]) == (2, 0)
    assert asked(campaign, "list") == []
    assert asked(campaign, *arguments, "--scrubbed", "2026-11-01", "--edition", "11")["added"] == 2
    assert asked(campaign, *arguments)["unchanged"] == 2
    asked(campaign, "add", NUMBER)
    file.write_text("2025550124\n2025550125\n")
    result = asked(campaign, *arguments, "--replace")
    assert (result["added"], result["removed"], result["unchanged"]) == (1, 1, 1)
    assert forbidden(campaign, NUMBER) == ["internal"]
    scrub = asked(campaign, "scrubbed")[0]
    assert (scrub["source"], scrub["version"], scrub["campaign"]) == ("national", "11", None)
    file.write_text("2025550126\nnobody\n555\n")
    said = campaign.run("dnc", *arguments, code=2).stderr
    assert "2 mistakes, and nothing was changed:" in said
    assert "national.txt: line 2: 'nobody' is no telephone number" in said
    assert forbidden(campaign, "+12025550126", code=0) == []


def test_scrubs_are_noted(campaign: Ccm) -> None:
    rows = asked(
        campaign, "scrubbed", "--source", "national", "--at", "2026-11-01", "--campaign", "spring"
    )
    assert [(one["source"], one["campaign"], one["dnc_version"]) for one in rows] == [
        ("national", "spring", 0)
    ]
    assert (
        "yet to come"
        in campaign.run(
            "dnc", "scrubbed", "--source", "national", "--at", "2999-01-01", code=2
        ).stderr
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "nobody"), "'nobody' is no telephone number"),
        (("add", "2025550123"), "no country code"),
        (("add", NUMBER, "--source", "Opt Out"), "no source"),
        (("add", NUMBER, "--region", "XX"), "no country"),
        (("check", "+1900*"), "no whole number"),
    ],
)
def test_what_is_wrong_changes_nothing(
    campaign: Ccm, arguments: tuple[str, ...], said: str
) -> None:
    assert said in campaign.run("dnc", *arguments, code=2).stderr
    assert asked(campaign, "list", "--all") == []


def requests(ccm: Ccm, *arguments: str, code: int = 0) -> Any:
    return asked(ccm, "optouts", *arguments, code=code)


def test_an_entry_of_source_opt_out_is_a_request_with_a_deadline(
    campaign: Ccm, tmp_path: Path
) -> None:
    assert "nobody asked" in campaign.run("dnc", "optouts").stderr
    asked(campaign, "add", NUMBER, "--source", "opt_out", "--note", "on the phone")
    asked(campaign, "add", NUMBER, "--source", "opt_out")
    asked(campaign, "add", "+12025550124")
    asked(campaign, "add", "+12025550125", "--source", "opt_out", "--campaign", "spring")
    (now,) = requests(campaign)
    assert (now["channel"], now["numbers"], now["in_time"]) == ("list", [NUMBER], True)
    assert (now["note"], now["dnc_version"]) == ("on the phone", 1)
    assert now["honour_days"] == 10
    file = tmp_path / "mail.txt"
    file.write_text(f"{NUMBER}\n+12025550126\n+1900*\n")
    for _ in range(2):
        campaign.run(
            "dnc", "import", str(file), "--source", "opt_out", "--received", "2026-03-02T12:00Z"
        )
    late, _ = requests(campaign, "--since", "2026-01-01")[::-1]
    assert (late["asked"], late["deadline_on"], late["in_time"]) == (
        "+12025550126", "2026-03-16", False,
    )  # fmt: skip
    (found,) = requests(campaign, "--since", "2026-01-01", "--late", code=1)
    assert found["id"] == late["id"]
    assert requests(campaign, "--since", "2026-01-01", "--number", NUMBER) == [now]
    assert requests(campaign, "--open", "--late") == []
    assert "+12025550126" in campaign.run("dnc", "optouts", "--since", "2026-01-01").stdout
    for arguments, words in (
        (("--received", "2026-01-01"), "--received is for requests"),
        (("--received", "2099-01-01", "--source", "opt_out"), "still to come"),
        (("--request", "1", "--expires", "2099-01-01"), "--request takes numbers"),
        (("--request", "99"), "there is no open request 99"),
    ):
        code = 1 if "99" in arguments else 2
        assert words in campaign.run("dnc", "add", NUMBER, *arguments, code=code).stderr


def test_a_request_whose_number_nobody_knows_stays_open(campaign: Ccm, database_url: str) -> None:
    from test_cli_callback import execute

    execute(
        database_url,
        "SELECT ccm.note_opt_out('call:pbx1:1.1', 'call', '0123', '{}', NULL, NULL, now(), 'ccm',"
        " '', true)",
    )
    (row,) = requests(campaign, "--open")
    assert (row["honoured_at"], row["in_time"], row["numbers"]) == (None, None, [])
    assert "not known" in campaign.run("dnc", "optouts").stdout
    said = campaign.run("dnc", "add", "+1900*", "--request", str(row["id"]), code=2).stderr
    assert "whole numbers" in said
    asked(campaign, "add", NUMBER, "--request", str(row["id"]))
    assert requests(campaign, "--open") == []
    (row,) = requests(campaign)
    assert (row["numbers"], row["in_time"]) == ([NUMBER], True)
    assert forbidden(campaign, NUMBER) == ["opt_out"]
