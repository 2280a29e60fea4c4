"""``ccm report`` on a real database: list, describe, show, and what is said of mistakes."""

import csv
import io
import json

import pytest
from ccm_day import Ccm


def test_list_and_describe(filled: Ccm) -> None:
    text = filled.run("report", "list").stdout
    assert "queue_interval" in text
    assert "since, until" in text
    views = {row["view"] for row in json.loads(filled.run("report", "list", "--json").stdout)}
    assert {"interaction", "queue_interval", "agent_day", "queue_now", "agent_now"} <= views
    assert "answered" in filled.run("report", "describe", "queue_interval").stdout


def test_show_in_each_format(filled: Ccm) -> None:
    arguments = ("report", "show", "queue_interval", "--since", "2026-03-02", "--queue", "support")
    table = filled.run(*arguments).stdout
    assert "2026-03-02 10:00:00" in table
    rows = list(csv.DictReader(io.StringIO(filled.run(*arguments, "--format", "csv").stdout)))
    assert [(row["queue"], row["offered"], row["answered"]) for row in rows] == [
        ("support", "1", "1")
    ]
    assert rows[0]["interval_start"] == "2026-03-02T10:00:00+01:00"
    as_json = filled.run(*arguments, "--json").stdout
    assert as_json == filled.run(*arguments, "--format", "json").stdout
    assert [row["offered"] for row in json.loads(as_json)] == [1]


def test_the_time_zone_is_that_of_times_and_of_what_is_typed(filled: Ccm) -> None:
    def starts(*options: str) -> list[str]:
        result = filled.run("report", "show", "interaction", "--format", "json", *options)
        return [row["started_at"] for row in json.loads(result.stdout)]

    assert starts("--time-zone", "America/New_York") == [
        "2026-03-02T04:00:00-05:00",
        "2026-03-02T05:00:00-05:00",
    ]
    since = ("--since", "2026-03-02T04:30")
    assert len(starts(*since, "--time-zone", "America/New_York")) == 1
    assert len(starts("--time-zone", "America/New_York", *since)) == 1
    assert len(starts(*since)) == 2


def test_columns_and_limit(filled: Ccm) -> None:
    result = filled.run(
        "report", "show", "interaction", "--columns", "caller, outcome", "--limit", "1", "--format",
        "csv",
    )  # fmt: skip
    assert result.stdout.splitlines() == ["caller,outcome", "12025550666,abandoned"]
    assert "There are more" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("queue_intervall",), "did you mean queue_interval?"),
        (("queue_now; drop table ccm.node",), "there is no report"),
        (("queue_now", "--since", "today"), "shows the present"),
        (("queue_now", "--columns", "queu"), "did you mean queue?"),
        (("agent_day", "--queue", "support"), "no column for queue"),
    ],
)
def test_mistakes_are_told_with_what_there_is(
    filled: Ccm, arguments: tuple[str, ...], words: str
) -> None:
    assert words in filled.run("report", "show", *arguments, code=1).stderr


def test_an_empty_report_is_explained(filled: Ccm) -> None:
    result = filled.run("report", "show", "interaction", "--queue", "nobody")
    assert result.stdout == ""
    assert "nobody" in result.stderr
