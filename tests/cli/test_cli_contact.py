"""`ccm contact` and `ccm conversation` on a real database."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from ccm_day import ABANDONED, ANSWERED, LINKED, Ccm
from test_cli_email import MAILBOX, take

from ccmiddleware.cli.id_prefix import NOBODY, bounds
from ccmiddleware.store.database import Database


def asked(ccm: Ccm, *arguments: str, code: int = 0) -> Any:
    return json.loads(ccm.run(*arguments, "--json", code=code).stdout)


def contact(ccm: Ccm, *arguments: str) -> Any:
    return asked(ccm, "contact", *arguments)


def refused(ccm: Ccm, *arguments: str, code: int = 2) -> str:
    """What it says; the database is as before."""
    before = everything(ccm)
    said = ccm.run("contact", *arguments, code=code).stderr
    assert everything(ccm) == before
    return said


def everything(ccm: Ccm) -> Any:
    return contact(ccm, "list"), contact(ccm, "changes"), contact(ccm, "settings")


def names(ccm: Ccm, *arguments: str) -> list[str]:
    return [row["name"] for row in contact(ccm, "list", *arguments)]


@pytest.fixture
def people(on_database: Ccm) -> Ccm:
    contact(on_database, "add", "Ann Arnold", "Ann@X.example", "+49 (30) 123", "--note", "VIP")
    contact(on_database, "add", "Bob", "bob@x.example")
    return on_database


def test_none_yet(on_database: Ccm) -> None:
    assert "no contact fits" in on_database.run("contact", "list").stderr
    assert "there is no contact 'Ann'" in on_database.run("contact", "show", "Ann", code=1).stderr
    assert "there are no contacts" in on_database.run("contact", "export").stderr
    assert "no conversation fits" in on_database.run("conversation", "list").stderr
    said = on_database.run("conversation", "show", "7", code=1).stderr
    assert "there is no conversation '7'" in said


def test_contacts_are_made_listed_and_found(people: Ccm) -> None:
    assert names(people) == ["Ann Arnold", "Bob"]
    assert names(people, "--search", "ARNOLD") == ["Ann Arnold"]
    assert names(people, "--search", "x.example", "--limit", "1") == ["Ann Arnold"]
    assert names(people, "--open") == []
    assert "+4930123" in people.run("contact", "list").stdout
    id_ = contact(people, "list")[0]["id"]
    for way in ("ann@x.EXAMPLE", "+49 30 123", "ann arnold", id_, id_[:20]):
        whole = contact(people, "show", way)
        assert whole["contact"]["id"] == id_, way
    assert [one["address"] for one in whole["addresses"]] == ["ann@x.example", "+4930123"]
    shown = people.run("contact", "show", "Bob").stdout
    assert "bob@x.example  (email; cli, by " in shown
    contact(people, "add", "Bob")
    assert "may be Bob" in people.run("contact", "show", "bob", code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", " "), "a name has"),
        (("add", "Eve", "ann@x.example"), "ann@x.example is of Ann Arnold"),
        (("add", "Eve", "eve"), "'eve' is no telephone number"),
        (("link", "Bob", "030", "ann@x.example"), "ann@x.example is of Ann Arnold"),
        (("unlink", "Bob", "bob@x.example", "+4930123"), "Bob has no +4930123"),
        (("merge", "Bob", "bob@x.example"), "with itself"),
        (("set", "Bob"), "say what to change"),
        (("settings", "country_code=x", "y=1"), "country_code=x: "),
        (("settings", "show_on_phone=maybe"), "yes or no"),
    ],
)
def test_what_is_wrong_changes_nothing(people: Ccm, arguments: tuple[str, ...], said: str) -> None:
    assert said in refused(people, *arguments)


def test_links_are_made_and_taken_back_with_history(people: Ccm) -> None:
    contact(people, "link", "Bob", "030 77", "030-77")
    assert contact(people, "link", "Bob", "03077")["changes"] == []
    contact(people, "unlink", "03077", "03077")
    assert "there is no contact" in people.run("contact", "show", "03077", code=1).stderr
    contact(people, "set", "Bob", "--name", "Robert", "--note", "x")
    history = contact(people, "changes", "Robert")
    assert [(one["what"], one["before"], one["after"]) for one in reversed(history)] == [
        ("name", None, "Bob"),
        ("email", None, "bob@x.example"),
        ("phone", None, "03077"),
        ("phone", "03077", None),
        ("name", "Bob", "Robert"),
        ("note", None, "x"),
    ]
    assert {one["how"] for one in history} == {"cli"}
    assert "Robert" in people.run("contact", "changes").stdout


def test_who_was_merged_leads_to_the_other(people: Ccm) -> None:
    gone = contact(people, "show", "Bob")["contact"]["id"]
    contact(people, "merge", "Ann Arnold", "Bob")
    assert names(people) == ["Ann Arnold"]
    for way in ("bob@x.example", gone):
        ran = people.run("contact", "show", way)
        assert "Ann Arnold" in ran.stdout
    assert "was merged into" in ran.stderr
    assert "with itself" in refused(people, "merge", "Ann Arnold", gone)
    assert {"absorbed"} < {one["what"] for one in contact(people, "changes", "Ann Arnold")}


def test_who_was_deleted_is_nobody_and_has_a_history(people: Ccm) -> None:
    gone = contact(people, "show", "Bob")["contact"]["id"]
    before = everything(people)
    planned = contact(people, "delete", "Bob", "--dry-run")
    assert planned["dry_run"]
    assert [(one["what"], one["before"]) for one in planned["changes"]] == [
        ("email", "bob@x.example"), ("deleted", "Bob"),
    ]  # fmt: skip
    assert everything(people) == before
    assert contact(people, "delete", "Bob")["changes"] == planned["changes"]
    assert names(people) == ["Ann Arnold"]
    for way in ("Bob", "bob@x.example"):
        assert "there is no contact" in refused(people, "show", way, code=1)
    for arguments in (
        ("show", gone), ("delete", gone), ("set", gone, "--name", "Rob"),
        ("merge", "Ann Arnold", gone), ("link", gone, "rob@x.example"),
    ):  # fmt: skip
        said = refused(people, *arguments, code=1)
        assert "was deleted" in said
    assert {one["what"] for one in contact(people, "changes", gone)} == {
        "name", "email", "deleted",
    }  # fmt: skip
    # Its address is free, and its name.
    contact(people, "link", "Ann Arnold", "bob@x.example")
    contact(people, "add", "Bob")
    assert names(people) == ["Ann Arnold", "Bob"]
    assert "bob@x.example" not in people.run("contact", "show", "Bob").stdout


def test_settings_make_numbers_the_same(people: Ccm) -> None:
    contact(people, "link", "Bob", "0044 7", "030 9")
    contact(people, "settings", "country_code=49", "--dry-run")
    assert contact(people, "list")[1]["phones"] == ["00447", "0309"]
    contact(people, "settings", "country_code=49")
    assert contact(people, "list")[1]["phones"] == ["+447", "+49309"]
    assert "+49309 is of Bob" in refused(people, "link", "Ann Arnold", "0309")
    found = contact(people, "changes", "Bob")
    assert ("0309", "+49309") in {(one["before"], one["after"]) for one in found}
    assert "country_code" in people.run("contact", "settings").stdout


def test_a_rule_that_makes_two_people_one_is_refused(people: Ccm) -> None:
    contact(people, "link", "Bob", "030123")
    said = refused(people, "settings", "country_code=49")
    assert "030123 of Bob" in said
    assert "merge or unlink" in said
    contact(people, "merge", "Ann Arnold", "Bob")
    contact(people, "settings", "country_code=49")
    assert contact(people, "list")[0]["phones"] == ["+4930123"]


def write(ccm: Ccm, name: str, text: str) -> str:
    path: Path = ccm.directory / name
    path.write_text(text)
    return str(path)


def test_a_file_is_taken_in_whole_or_not_at_all(people: Ccm) -> None:
    good = "name,emails,phones,note\nCarl,carl@x.example;c@y.example,0301,\nBob,bob@x.example,2,\n"
    file = write(people, "a.csv", good)
    before = everything(people)
    result = asked(people, "contact", "import", file, "--dry-run")
    assert (result["rows"], result["made"], result["linked"]) == (2, 1, 4)
    assert everything(people) == before
    said = people.run("contact", "import", file).stderr
    assert "2 rows; 1 contacts made, 0 with another name or note, 4 addresses linked" in said
    assert names(people) == ["Ann Arnold", "Bob", "Carl"]
    assert {one["linked_how"] for one in contact(people, "show", "Carl")["addresses"]} == {"import"}
    assert asked(people, "contact", "import", file)["changes"] == []
    bad = good + 'Eve,ann@x.example;bob@x.example,,\nX,n\x1bo,"1,2",\nY,carl@x.example,zwölf,\n'
    said = refused(people, "import", write(people, "b.csv", bad))
    assert "7 mistakes, and nothing was changed" in said
    for part in ("line 4: its addresses belong to", "line 5: ", "line 6: 'zwölf' is no"):
        assert part in said
    assert "\x1b" not in said
    assert "say --format" in refused(people, "import", write(people, "c.txt", good))
    file = str(people.directory / "d.csv")
    Path(file).write_bytes(b"name\n\xff\xfe\n")
    assert "is not UTF-8" in refused(people, "import", file)


def test_what_is_exported_is_imported_without_change(people: Ccm) -> None:
    for name, more in (("a.csv", ()), ("a.jsonl", ("--json",))):
        text = people.run("contact", "export", *more).stdout
        assert "ann@x.example" in text
        assert asked(people, "contact", "import", write(people, name, text))["changes"] == []


def test_only_the_beginning_of_an_id_is_one() -> None:
    low, high = bounds("0193C1A2-55e")
    assert str(low) == "0193c1a2-55e0-0000-0000-000000000000"
    assert str(high) == "0193c1a2-55ef-ffff-ffff-ffffffffffff"
    for nothing in ("", "%", "019", "0193x", "0" * 33):
        assert bounds(nothing) == NOBODY


# -- conversations --------------------------------------------------------------------------


@pytest.fixture
def matter(filled: Ccm, database_url: str) -> Ccm:
    """A day with two calls, and a conversation of two emails with Ann, who is no contact yet."""
    filled.write(filled.config.read_text() + MAILBOX)
    asyncio.run(take(database_url, filled))
    return filled


def test_a_matter_has_emails_and_calls_in_order(matter: Ccm) -> None:
    (row,) = asked(matter, "conversation", "list", "--address", "Ann@x.example")
    assert (row["emails"], row["calls"], row["state"], row["contacts"]) == (2, 0, "open", [])
    assert asked(matter, "conversation", "link", row["id"], LINKED)["changed"] is True
    assert asked(matter, "conversation", "link", row["id"], str(ANSWERED))["changed"] is False
    contact(matter, "add", "Ann Arnold", "ann@x.example")
    whole = asked(matter, "conversation", "show", f"#{row['number']}")
    assert [one["kind"] for one in whole["entries"]] == ["call", "email", "email"]
    assert whole["entries"][0]["id"] == str(ANSWERED)
    assert {one["contact"] for one in whole["participants"]} == {"Ann Arnold"}
    shown = matter.run("conversation", "show", row["id"][:24]).stdout
    for part in ("Ann Arnold", "call inbound, ", "answered", "email in, from Ann <ann@x.example>",
                 "| Text of 1", "| Text of 2", "linked by "):  # fmt: skip
        assert part in shown
    assert "\x1b" not in shown
    assert "Question" in matter.run("conversation", "list", "--contact", "Ann Arnold").stdout
    assert names(matter, "--open") == ["Ann Arnold"]
    matter.run("conversation", "unlink", row["id"], LINKED)
    assert len(asked(matter, "conversation", "show", row["id"])["entries"]) == 2
    said = matter.run("conversation", "unlink", row["id"], LINKED, code=1).stderr
    assert "is not linked" in said
    said = matter.run("conversation", "link", row["id"], "nowhere", code=1).stderr
    assert "there is no interaction" in said


def test_notes_stand_among_them(matter: Ccm, database_url: str) -> None:
    (row,) = asked(matter, "conversation", "list")

    async def note() -> None:
        async with Database(database_url) as database:
            await database.rows(
                "INSERT INTO ccm.conversation_note (conversation_id, author, written_at, text)"
                " VALUES ($1, 'Alice', now(), E'ask \\x1b[2Jher\\nagain')",
                row["id"],
            )

    asyncio.run(note())
    shown = matter.run("conversation", "show", row["id"]).stdout
    assert "note by Alice" in shown
    assert "    | again" in shown
    assert "\x1b" not in shown


def test_who_linked_and_unlinked_is_kept(matter: Ccm, database_url: str) -> None:
    (row,) = asked(matter, "conversation", "list")
    for verb in ("link", "unlink", "link"):
        matter.run("conversation", verb, row["id"], LINKED)

    async def kept() -> list[bool]:
        async with Database(database_url) as database:
            rows = await database.rows(
                "SELECT unlinked_by IS NOT NULL AS gone FROM ccm.conversation_interaction"
                " WHERE linked_by <> '' ORDER BY id"
            )
            return [one["gone"] for one in rows]

    assert asyncio.run(kept()) == [True, False]


def test_a_call_shows_its_contact_and_what_is_open(matter: Ccm) -> None:
    number = asked(matter, "interaction", "show", str(ANSWERED))["interaction"]["caller_num"]
    assert asked(matter, "interaction", "show", str(ANSWERED))["contact"] is None
    contact(matter, "add", "Ann Arnold", "ann@x.example", number)
    found = asked(matter, "interaction", "show", str(ANSWERED))["contact"]
    assert (found["name"], [one["subject"] for one in found["open_conversations"]]) == (
        "Ann Arnold",
        ["Question"],
    )
    shown = matter.run("interaction", "show", str(ANSWERED)).stdout
    assert "contact:   Ann Arnold (" in shown
    assert "open:      Question (open, support, " in shown
    journey = contact(matter, "show", "Ann Arnold", "--since", "2000-01-01")["journey"]
    assert [(one["channel"], one["direction"]) for one in journey] == [
        ("voice", "inbound"),
        ("email", "inbound"),
        ("email", "inbound"),
    ]
    assert "Re: Question" in matter.run("contact", "show", number).stdout
    assert str(ABANDONED) not in {one["id"] for one in journey}
    contact(matter, "delete", "Ann Arnold")
    assert asked(matter, "interaction", "show", str(ANSWERED))["contact"] is None
    (talk,) = asked(matter, "conversation", "list")
    assert talk["subject"] == "Question"
    matter.run("conversation", "show", talk["id"])


def test_the_journey_of_who_was_deleted_is_nobodys(matter: Ccm, database_url: str) -> None:
    async def known() -> int:
        async with Database(database_url) as database:
            (row,) = await database.rows("SELECT count(*)::integer AS known FROM report.journey")
        return int(row["known"])

    contact(matter, "add", "Ann Arnold", "ann@x.example")
    assert asyncio.run(known()) > 0
    contact(matter, "delete", "ann@x.example")
    assert asyncio.run(known()) == 0
