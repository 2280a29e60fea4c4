"""`ccm lead` on a real database: files come in whole or not at all, and what is refused is told."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from ccm_day import Ccm

HEADER = "id,name,phone,phone2,product\n"
FILE = (
    HEADER
    + "1,Ann Arnold,(305) 222-0123,+1 212 555 0100,sofa\n"
    + "2,Bob,305 222 0124,,\n"
    + "3,Eve,555,,\n"
    + "4,Dan,305-222-0124,,\n"
    + "5,Fay,305 222 0125,12,\n"
    + "2,Gus,305 222 0126,,\n"
)


def asked(ccm: Ccm, *arguments: str, code: int = 0) -> Any:
    return json.loads(ccm.run(*arguments, "--json", code=code).stdout)


@pytest.fixture
def campaign(on_database: Ccm) -> Ccm:
    on_database.run("campaign", "create", "spring", "default_region=US")
    return on_database


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "leads.csv"
    path.write_text(FILE)
    return path


def imported(ccm: Ccm, file: Path, *arguments: str, code: int = 0) -> Any:
    return asked(ccm, "lead", "import", str(file), "--campaign", "spring", *arguments, code=code)


def leads(ccm: Ccm, *arguments: str) -> Any:
    return asked(ccm, "lead", "list", *arguments)


def test_none_yet(campaign: Ccm) -> None:
    assert "ccm lead import FILE" in campaign.run("lead", "list").stderr
    assert "ccm lead import FILE" in campaign.run("lead", "export", "--campaign", "spring").stderr
    assert "there is no lead '7'" in campaign.run("lead", "show", "7", code=1).stderr
    said = campaign.run("lead", "list", "--campaign", "winter", code=1).stderr
    assert "there is no campaign 'winter'; there are spring" in said


def test_what_can_be_called_comes_in_and_the_rest_is_told(
    campaign: Ccm, file: Path, tmp_path: Path
) -> None:
    refused = tmp_path / "refused.csv"
    result = imported(campaign, file, "--rejects", str(refused))
    assert (result["rows"], result["leads"], result["numbers"]) == (6, 3, 4)
    assert result["imported"] is True
    assert result["rejected"] == {"number": 1, "in_file": 2}
    assert result["left_out"] == {"number": 1}
    assert result["columns"] == {
        "id": "external_id", "name": "name", "phone": "phone1", "phone2": "phone2",
        "product": "custom.product",
    }  # fmt: skip
    rows = list(csv.DictReader(refused.read_text().splitlines()))
    assert [(row["line"], row["lead"], row["reason"], row["id"]) for row in rows] == [
        ("4", "rejected", "number", "3"),
        ("5", "rejected", "in_file", "4"),
        ("6", "imported", "number", "5"),
        ("7", "rejected", "in_file", "2"),
    ]
    assert rows[1]["why"] == "+13052220124 stands in line 3 too"
    assert rows[3]["why"] == "id 2 stands in line 3 too"
    there = leads(campaign)
    assert [(one["external_id"], one["number"], one["state"]) for one in there] == [
        ("1", "+13052220123", "new"), ("2", "+13052220124", "new"), ("5", "+13052220125", "new"),
    ]  # fmt: skip
    assert there[0]["zones"] == ["America/New_York"]
    whole = asked(campaign, "lead", "show", "1", "--campaign", "spring")
    assert whole["lead"]["custom"] == {"product": "sofa"}
    assert whole["lead"]["file"] == "leads.csv"
    assert [(one["number"], one["kind"], one["on_dnc_list"]) for one in whole["numbers"]] == [
        ("+13052220123", "fixed_or_mobile", False), ("+12125550100", "fixed_or_mobile", False),
    ]  # fmt: skip
    assert "area code 305" in whole["numbers"][0]["evidence"]
    history = asked(campaign, "campaign", "history", "spring")
    assert (history[0]["what"], history[0]["after"]) == ("leads", "3 of leads.csv")
    assert asked(campaign, "campaign", "list")[0]["leads"] == 3
    funnel = asked(campaign, "report", "show", "lead_funnel")
    assert [(one["campaign"], one["state"], one["leads"]) for one in funnel] == [
        ("spring", "new", 3)
    ]


def test_words_for_people(campaign: Ccm, file: Path) -> None:
    done = campaign.run("lead", "import", str(file), "--campaign", "spring")
    assert "6 rows: 3 leads imported, 3 rows rejected" in done.stdout
    assert "4 numbers, 1 left out" in done.stdout
    assert "rejected 2: id or number stands in the file before" in done.stdout
    assert "line 4: '555' is no number of +1" in done.stderr
    assert "line 6: '12' is no" in done.stderr
    assert "(imported without it)" in done.stderr
    assert "Ann Arnold" in campaign.run("lead", "show", "+13052220123").stdout
    assert "imported from leads.csv" in campaign.run("lead", "show", "1").stdout


def test_a_dry_run_and_a_strict_one_change_nothing(campaign: Ccm, file: Path) -> None:
    dry = imported(campaign, file, "--dry-run")
    assert (dry["imported"], dry["leads"], dry["rejected"]) == (
        False,
        3,
        {"number": 1, "in_file": 2},
    )
    strict = imported(campaign, file, "--strict", code=1)
    assert (strict["imported"], strict["leads"]) == (False, 3)
    assert leads(campaign) == []
    assert asked(campaign, "campaign", "history", "spring")[0]["what"] != "leads"
    words = campaign.run("lead", "import", str(file), "--campaign", "spring", "--strict", code=1)
    assert "--strict: nothing was imported" in words.stderr
    file.write_text(HEADER + "9,Ann,305 222 0123,,\n")
    assert imported(campaign, file, "--strict")["imported"] is True


def test_what_is_there_is_not_taken_twice(campaign: Ccm, file: Path) -> None:
    imported(campaign, file)
    again = imported(campaign, file)
    assert (again["leads"], again["rejected"]) == (0, {"in_campaign": 3, "number": 1, "in_file": 2})
    campaign.run("campaign", "create", "summer", "default_region=US")
    summer = ("lead", "import", str(file), "--campaign", "summer")
    assert asked(campaign, *summer, "--elsewhere", "reject", "--dry-run")["rejected"] == {
        "elsewhere": 3, "number": 1, "in_file": 2,
    }  # fmt: skip
    assert asked(campaign, *summer)["leads"] == 3
    file.write_text("name,phone\nAnn,305 222 0123\nAnn,305 222 0123\n")
    assert imported(campaign, file)["rejected"] == {"in_campaign": 1, "in_file": 1}
    kept = imported(campaign, file, "--duplicates", "keep")
    assert (kept["leads"], kept["rejected"]) == (2, {})
    several = campaign.run("lead", "show", "+13052220123", code=1).stderr
    assert "may be 1 (spring)" in several


def test_listed_numbers_are_refused_left_out_or_marked(campaign: Ccm, file: Path) -> None:
    campaign.run("dnc", "add", "+13052220123", "+13052220124", "+1212*")
    file.write_text(
        HEADER
        + "1,Ann,305 222 0123,+1 212 555 0100,\n"
        + "2,Bob,305 222 0124,305 222 0199,\n"
        + "3,Cid,305 222 0125,,\n"
    )
    dry = imported(campaign, file, "--dry-run")
    assert (dry["leads"], dry["rejected"], dry["left_out"]) == (2, {"dnc": 1}, {"dnc_number": 1})
    marked = imported(campaign, file, "--listed", "mark")
    assert (marked["leads"], marked["listed"], marked["rejected"]) == (3, 1, {})
    assert [(one["number"], one["state"], one["last_result"]) for one in leads(campaign)] == [
        ("+13052220123", "done", "dnc"),
        ("+13052220199", "new", None),
        ("+13052220125", "new", None),
    ]
    shown = asked(campaign, "lead", "show", "1")
    assert [one["on_dnc_list"] for one in shown["numbers"]] == [True, True]


def test_other_encodings_and_delimiters(campaign: Ccm, tmp_path: Path) -> None:
    file = tmp_path / "kunden.csv"
    file.write_bytes("Name;Telefon;Ort\r\nMüller;0305 222 0123;Köln\r\n".encode("cp1252"))
    result = imported(campaign, file, "--map", "Telefon=phone1", "--map", "Ort=custom.city")
    assert (result["encoding"], result["encoding_certain"], result["delimiter"]) == (
        "cp1252", False, ";",
    )  # fmt: skip
    assert result["rejected"] == {"number": 1} or result["leads"] == 1
    file.write_bytes("Name\tTelefon\nMüller\t+49 30 1234567\n".encode("utf-16"))
    assert imported(campaign, file, "--delimiter", "tab")["leads"] == 1
    assert leads(campaign)[-1]["name"] == "Müller"
    file.write_bytes(b'name,phone,note\n"Ann","+1 305 222 0177","two\nlines"\nBob,1,\n')
    result = imported(campaign, file)
    assert [one["line"] for one in result["first_refused"]] == [4]
    assert asked(campaign, "lead", "show", "+13052220177")["lead"]["custom"] == {
        "note": "two\nlines"
    }


@pytest.mark.parametrize(
    ("text", "arguments", "code", "said"),
    [
        (b"", (), 2, "it is empty"),
        (b"name\nAnn\n", (), 2, "no column is one of numbers"),
        (b"phone\n" + b"1\n" * 9000 + b"\xe4\n", ("--encoding", "utf-8"), 2, "it is no utf-8: say"),
        (b"\xff\xff\n", ("--encoding", "utf-8"), 2, "are no utf-8: say"),
        (b"phone\n+1", ("--encoding", "utf-9"), 2, "there is no encoding 'utf-9'"),
        (b"phone\n+1", ("--delimiter", "ab"), 2, "no delimiter"),
        (b"phone\n+1", ("--region", "USA"), 2, "no country"),
        (b"phone\n+1", ("--map", "x=phone1"), 2, "--map names 'x'"),
        (b'phone\n"' + b"x" * 200_000, (), 2, "line 2: field larger than"),
        (b"phone\n+1", ("--rejects", "/nowhere/x.csv"), 2, "--rejects /nowhere/x.csv"),
    ],
)
def test_files_that_can_not_be_read_change_nothing(
    campaign: Ccm, file: Path, text: bytes, arguments: tuple[str, ...], code: int, said: str
) -> None:
    file.write_bytes(text)
    done = campaign.run("lead", "import", str(file), "--campaign", "spring", *arguments, code=code)
    assert said in done.stderr
    assert leads(campaign) == []


def test_in_processes_of_their_own_the_same_comes_of_it(campaign: Ccm, tmp_path: Path) -> None:
    lines = [f"{n},N{n},(305) 222-{n % 10000:04},,\n" for n in range(12_000)]
    file = tmp_path / "many.csv"
    file.write_text(HEADER + "".join(lines))
    alone = imported(campaign, file, "--processes", "0", "--dry-run")
    result = imported(campaign, file, "--processes", "2")
    assert (result["rows"], result["leads"]) == (12_000, 10_000)
    assert result["rejected"] == alone["rejected"] == {"in_file": 2_000}
    assert result["first_refused"] == alone["first_refused"]
    there = leads(campaign, "--limit", "20000")
    assert [one["external_id"] for one in there] == [str(n) for n in range(10_000)]


def test_what_is_exported_can_be_imported(campaign: Ccm, file: Path, tmp_path: Path) -> None:
    imported(campaign, file)
    exported = campaign.run("lead", "export", "--campaign", "spring").stdout
    rows = list(csv.DictReader(exported.splitlines()))
    assert [(row["external_id"], row["phone1"], row["phone2"], row["product"]) for row in rows] == [
        ("1", "+13052220123", "+12125550100", "sofa"),
        ("2", "+13052220124", "", ""),
        ("5", "+13052220125", "", ""),
    ]
    lines = campaign.run("lead", "export", "--campaign", "spring", "--json").stdout.splitlines()
    assert json.loads(lines[0])["numbers"] == ["+13052220123", "+12125550100"]
    campaign.run("campaign", "create", "summer")
    again = tmp_path / "again.csv"
    again.write_text(exported)
    result = asked(campaign, "lead", "import", str(again), "--campaign", "summer")
    assert (result["leads"], result["numbers"], result["rejected"]) == (3, 4, {})


def test_a_campaign_with_leads_is_not_deleted(campaign: Ccm, file: Path) -> None:
    imported(campaign, file)
    said = campaign.run("campaign", "delete", "spring", code=2).stderr
    assert "spring has leads" in said


def test_what_is_refused_is_not_written_over_the_file(campaign: Ccm, file: Path) -> None:
    arguments = ("lead", "import", str(file), "--campaign", "spring", "--rejects", str(file))
    assert "would write over the file" in campaign.run(*arguments, code=2).stderr
    assert file.read_text() == FILE
