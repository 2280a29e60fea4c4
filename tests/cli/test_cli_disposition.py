"""`ccm disposition` and `ccm interaction dispose` on a real database."""

import json

import pytest
from ccm_day import ANSWERED, LINKED, Ccm

DAY = ("--since", "2026-03-02", "--until", "2026-03-03")


def codes(ccm: Ccm, *options: str) -> dict[str, str | None]:
    rows = json.loads(ccm.run("disposition", "list", *options, "--json").stdout)
    return {row["code"]: row["keypad"] for row in rows}


def test_codes_come_and_go(on_database: Ccm) -> None:
    assert "no codes yet" in on_database.run("disposition", "list").stderr
    on_database.run("disposition", "add", "sold", "--label", "Sold something", "--keypad", "1")
    on_database.run("disposition", "add", "later")
    assert codes(on_database) == {"later": None, "sold": "1"}
    assert "Sold something" in on_database.run("disposition", "list").stdout
    on_database.run("disposition", "remove", "sold")
    assert codes(on_database) == {"later": None}
    assert codes(on_database, "--all") == {"later": None, "sold": "1"}
    on_database.run("disposition", "add", "bought", "--keypad", "1")
    result = on_database.run("disposition", "add", "sold", "--keypad", "1", code=2)
    assert "another code has the digits 1 already" in result.stderr
    result = on_database.run("disposition", "remove", "sold", code=1)
    assert "there are bought, later" in result.stderr


@pytest.mark.parametrize(
    "arguments", [("a b",), ("",), ("x", "--keypad", "1a"), ("x", "--label", "a\nb")]
)
def test_what_is_no_code_is_told(on_database: Ccm, arguments: tuple[str, ...]) -> None:
    on_database.run("disposition", "add", *arguments, code=2)
    assert codes(on_database) == {}


def test_an_interaction_is_disposed_of_and_keeps_its_history(filled: Ccm) -> None:
    for code in ("sold", "later"):
        filled.run("disposition", "add", code)
    told = filled.run("interaction", "dispose", LINKED, "--code", "later")
    assert told.stdout == f"{ANSWERED}: later\n"
    row = json.loads(
        filled.run(
            "interaction", "dispose", str(ANSWERED), "--code", "sold", "--note", "two\x1b boxes",
            "--segment", "1", "--json",
        ).stdout
    )  # fmt: skip
    assert (row["code"], row["segment"]) == ("sold", 1)
    whole = json.loads(filled.run("interaction", "show", LINKED, "--json").stdout)
    assert [given["code"] for given in whole["dispositions"]] == ["later", "sold"]
    text = filled.run("interaction", "show", LINKED).stdout
    assert "Disposition: later, by " in text
    assert "two\ufffd boxes" in text
    listed = json.loads(filled.run("interaction", "list", *DAY, "--json").stdout)
    assert [row["disposition"] for row in listed] == [None, "sold"]
    shown = filled.run("report", "show", "interaction", *DAY, "--json")
    assert {row["disposition"] for row in json.loads(shown.stdout)} == {None, "sold"}


def test_what_is_not_there_is_told(filled: Ccm) -> None:
    none = filled.run("interaction", "dispose", LINKED, "--code", "sold", code=1)
    assert "there is no code 'sold'; there are none yet" in none.stderr
    filled.run("disposition", "add", "sold")
    result = filled.run("interaction", "dispose", "1.1", "--code", "sold", code=1)
    assert "no interaction '1.1'" in result.stderr
    result = filled.run(
        "interaction", "dispose", LINKED, "--code", "sold", "--segment", "9", code=1
    )
    assert "has no segment 9" in result.stderr
