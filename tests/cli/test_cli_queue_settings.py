"""`ccm queue set`, `hours`, `holiday`, `priority` … on a real database, without a daemon."""

import json
from pathlib import Path

import pytest
from ccm_day import Ccm


def set_of(ccm: Ccm, queue: str = "support") -> dict[str, object]:
    told = json.loads(ccm.run("queue", "show-settings", queue, "--json").stdout)
    return {key: value for key, value in told["settings"].items() if value is not None}


def history(ccm: Ccm) -> list[tuple[str, object, object]]:
    rows = json.loads(ccm.run("queue", "changes", "--json").stdout)
    return [(row["what"], row["before"], row["after"]) for row in reversed(rows)]


def test_settings_are_set_shown_and_taken_back(filled: Ccm) -> None:
    assert set_of(filled) == {}
    assert "nothing is set" in filled.run("queue", "show-settings", "support").stderr
    told = filled.run("queue", "set", "support", "max_wait=300", "hours=mon-fri 9:00-18:00",
                      "time_zone=Europe/Berlin")  # fmt: skip
    assert "stored; no daemon leads pbx1; applied once one does" in told.stderr
    assert set_of(filled) == {
        "hours": "mon-fri 09:00-18:00",
        "time_zone": "Europe/Berlin",
        "max_wait": 300,
    }
    filled.run("queue", "set", "support", "max_wait=", "hours=mon 09:00-10:00")
    assert set_of(filled) == {"hours": "mon 09:00-10:00", "time_zone": "Europe/Berlin"}
    assert "it is so already" in filled.run("queue", "set", "support", "max_wait=").stderr
    assert history(filled) == [
        ("time_zone", None, "Europe/Berlin"),
        ("max_wait", None, "300"),
        ("hours", None, "mon-fri 09:00-18:00"),
        ("max_wait", "300", None),
        ("hours", "mon-fri 09:00-18:00", "mon 09:00-10:00"),
    ]
    rows = json.loads(filled.run("queue", "changes", "--queue", "support", "--json").stdout)
    assert all(row["changed_by"] for row in rows)
    assert json.loads(filled.run("queue", "changes", "--queue", "other", "--json").stdout) == []


def test_a_dry_run_changes_nothing(filled: Ccm) -> None:
    told = filled.run("queue", "set", "support", "max_wait=300", "--dry-run")
    assert "max_wait" in told.stdout
    assert "nothing was changed; this would be" in told.stderr
    assert set_of(filled) == {}
    assert history(filled) == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("suport", "max_wait=1"), 1, "did you mean support"),
        (("support", "max_wait=x"), 2, "no whole number"),
        (("support", "time_zone=Berlin"), 2, "did you mean Europe/Berlin"),
        (("support", "hours=mon 09:00-13:00,12:00-14:00"), 2, "overlap"),
        (("support", "closed_to=queue:support"), 2, "in a circle: support → support"),
        (("support", "closed_to=queue:nowhere"), 2, "there is no queue 'nowhere'"),
        (
            ("support", "max_wait=9", "email_escalate_to=priority=5,queue:suport"),
            2,
            "there is no queue 'suport' to wait in (email_escalate_to); did you mean support",
        ),
        (("support", "max_wait=1", "--node", "pbx9"), 1, "there is no node 'pbx9'"),
        (("sup/port", "max_wait=1", "--node", "pbx1"), 2, "can't be set"),
        (("support",), 2, "Missing argument"),
    ],
)
def test_what_is_wrong_is_told_and_changes_nothing(
    filled: Ccm, arguments: tuple[str, ...], code: int, words: str
) -> None:
    assert words in filled.run("queue", "set", *arguments, code=code).stderr
    assert history(filled) == []


def test_a_queue_that_no_asterisk_has_yet_is_set_with_its_node(filled: Ccm) -> None:
    told = filled.run("queue", "set", "suport", "max_wait=5", "--node", "pbx1")
    assert "pbx1 has no queue 'suport' so far (there is support)" in told.stderr
    assert set_of(filled, "suport") == {"max_wait": 5}
    assert "no queues yet" not in filled.run("queue", "list").stderr


def test_an_empty_database_is_told(on_database: Ccm) -> None:
    assert "no queues yet" in on_database.run("queue", "set", "a", "max_wait=1", code=1).stderr
    told = on_database.run("queue", "set", "a", "max_wait=1", "--node", "pbx1", code=1)
    assert "start the daemon once" in told.stderr
    for listing in (("holiday", "list"), ("priority", "list"), ("changes",)):
        assert on_database.run("queue", *listing).stderr


def test_hours_are_told_at_any_time(filled: Ccm) -> None:
    assert "no hours are set" in filled.run("queue", "hours", "support").stdout
    filled.run("queue", "set", "support", "hours=mon-fri 09:00-18:00", "time_zone=Asia/Tokyo")
    told = json.loads(
        filled.run("queue", "hours", "support", "--at", "2030-01-04T10:00:00Z", "--json").stdout
    )
    assert (told["open"], told["changes_at"]) == (False, "2030-01-07T00:00:00+00:00")
    text = filled.run("queue", "hours", "support", "--at", "2030-01-07T08:59:59Z").stdout
    assert "support is open (weekly hours)" in text
    assert "closes at 2030-01-07 18:00:00 JST" in text


def test_holidays_come_and_go(filled: Ccm) -> None:
    filled.run(
        "queue", "holiday", "add", "support", "2026-12-25", "--yearly", "--name", "Christmas"
    )
    filled.run("queue", "holiday", "add", "support", "2026-12-24", "--hours", "09:00-12:00")
    told = filled.run("queue", "hours", "support", "--at", "2031-12-25T10:00:00Z").stdout
    assert "closed (holiday Christmas)" in told
    rows = json.loads(filled.run("queue", "holiday", "list", "--json").stdout)
    assert {(row["day"], row["hours"], row["yearly"]) for row in rows} == {
        ("2026-12-25", "", True),
        ("2026-12-24", "09:00-12:00", False),
    }
    assert "closed" in filled.run("queue", "holiday", "list", "--queue", "support").stdout
    filled.run("queue", "holiday", "remove", "support", "2029-12-25")
    filled.run("queue", "holiday", "remove", "support", "2026-12-24")
    assert json.loads(filled.run("queue", "holiday", "list", "--json").stdout) == []
    none = filled.run("queue", "holiday", "remove", "support", "2026-12-24", code=1)
    assert "has no holiday on 2026-12-24" in none.stderr
    for wrong in (
        ("24.12.2026",),
        ("2026-12-24", "--hours", "9-12"),
        ("2026-12-24", "--name", "a\nb"),
    ):
        filled.run("queue", "holiday", "add", "support", *wrong, code=2)
    assert len(history(filled)) == 4


def test_a_queue_is_closed_and_opened_by_hand(filled: Ccm) -> None:
    filled.run("queue", "close", "support")
    assert "closed (by hand)" in filled.run("queue", "hours", "support").stdout
    filled.run("queue", "open", "support", "--until", "2099-01-01")
    assert "open (by hand)" in filled.run("queue", "hours", "support").stdout
    filled.run("queue", "resume", "support")
    assert "open (no hours are set)" in filled.run("queue", "hours", "support").stdout
    assert "it is so already" in filled.run("queue", "resume", "support").stderr
    over = filled.run("queue", "close", "support", "--until", "2020-01-01", code=2)
    assert "that is over already" in over.stderr
    assert [(before is None, after is None) for _, before, after in history(filled)] == [
        (True, False), (True, False), (False, True), (False, True),
    ]  # fmt: skip


def numbers(ccm: Ccm) -> dict[str, int]:
    rows = json.loads(ccm.run("queue", "priority", "list", "--json").stdout)
    return {f"{row['kind']} {row['number']}": row["priority"] for row in rows}


def test_priorities_come_and_go(filled: Ccm, tmp_path: Path) -> None:
    filled.run("queue", "priority", "add", "support", "caller", "+49 30 12", "10", "--note", "Big")
    filled.run("queue", "priority", "add", "support", "did", "7", "3", "--dry-run")
    assert numbers(filled) == {"caller +493012": 10}
    file = tmp_path / "vip.csv"
    file.write_text("\ufeffkind,number,priority\ncaller,1,5\ndid,2,6\n", encoding="utf-8")
    told = filled.run("queue", "priority", "import", "support", str(file), "--dry-run")
    assert "priority caller 1" in told.stdout
    assert numbers(filled) == {"caller +493012": 10}
    filled.run("queue", "priority", "import", "support", str(file))
    assert numbers(filled) == {"caller +493012": 10, "caller 1": 5, "did 2": 6}
    filled.run("queue", "priority", "import", "support", str(file), "--replace")
    assert numbers(filled) == {"caller 1": 5, "did 2": 6}
    assert "it is so already" in filled.run(
        "queue", "priority", "import", "support", str(file)
    ).stderr  # fmt: skip
    filled.run("queue", "priority", "remove", "support", "did", "2")
    filled.run("queue", "priority", "remove", "support", "did", "2", code=1)
    assert numbers(filled) == {"caller 1": 5}
    file.write_text("kind,number,priority\ncaller,2,5\ncaller,x,5\n")
    wrong = filled.run("queue", "priority", "import", "support", str(file), code=2)
    assert "line 3: 'x' is no number" in wrong.stderr
    file.write_bytes(b"kind,number,priority\ncaller,1,5,\xff\n")
    filled.run("queue", "priority", "import", "support", str(file), code=2)
    assert numbers(filled) == {"caller 1": 5}


def test_a_long_list_is_one_line_of_the_history(filled: Ccm, tmp_path: Path) -> None:
    file = tmp_path / "many.csv"
    file.write_text("kind,number,priority\n" + "".join(f"caller,{n},5\n" for n in range(3000)))
    told = filled.run("queue", "priority", "import", "support", str(file))
    assert "3000 new, 0 with another priority, 0 removed" in told.stderr
    assert len(numbers(filled)) == 3000
    assert history(filled) == [
        ("priorities", "0 numbers", "many.csv: 3000 added or changed, 0 removed")
    ]
