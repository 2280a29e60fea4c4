"""When numbers are the same, in Python and in the database alike."""

import asyncpg
import pytest

from ccmiddleware.contacts.numbers import NumberRule, normal

NONE = NumberRule()
GERMANY = NumberRule("49", "00", "0")
AMERICA = NumberRule("1", "011", "1")
SPAIN = NumberRule("34", "00", "")
BARE = NumberRule("49", "", "49")
"""A trunk that sends numbers of the country with its code and no +."""

CASES = [
    (NONE, "+49 (30) 12-34.56/7", "+49301234567"),
    (NONE, "0049301234567", "0049301234567"),
    (NONE, "030 1234567", "0301234567"),
    (NONE, "1001", "1001"),
    (GERMANY, "+49301234567", "+49301234567"),
    (GERMANY, "0049301234567", "+49301234567"),
    (GERMANY, "0301234567", "+49301234567"),
    (GERMANY, "004412345", "+4412345"),
    (GERMANY, "49301234567", "49301234567"),  # may be anything: never taken for the other
    (GERMANY, "1234567", "1234567"),
    (GERMANY, "110", "110"),
    (GERMANY, "0", "0"),
    (GERMANY, "00", "00"),
    (GERMANY, "+49030123", "+49030123"),
    (AMERICA, "12025550101", "+12025550101"),
    (AMERICA, "01149301234567", "+49301234567"),
    (AMERICA, "2025550101", "2025550101"),
    (SPAIN, "612345678", "612345678"),
    (SPAIN, "0034612345678", "+34612345678"),
    (BARE, "49301234567", "+49301234567"),
    (BARE, "00301234567", "00301234567"),
]
WRONG = ["", "anonymous", "sip:ann@x.example", "+", "++49", "0" * 33, "٣٤", "030\n1", "030;1"]


@pytest.mark.parametrize(("rule", "text", "number"), CASES)
def test_numbers_are_stored_in_one_way(rule: NumberRule, text: str, number: str) -> None:
    assert normal(text, rule) == number
    assert normal(number, rule) == number


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_number(text: str) -> None:
    assert normal(text, GERMANY) == ""


FORMS = [
    (NONE, "+49301", {"+49301"}),
    (GERMANY, "+49301", {"+49301", "0049301", "0301"}),
    (GERMANY, "+4412", {"+4412", "004412"}),
    (GERMANY, "+49030", {"+49030", "0049030"}),  # 0030 is a number of Greece
    (GERMANY, "+49", {"+49", "0049"}),
    (GERMANY, "1001", {"1001"}),
    (AMERICA, "+1202", {"+1202", "0111202", "1202"}),
    (SPAIN, "+346", {"+346", "00346"}),
    (BARE, "+49301", {"+49301", "49301"}),
]


@pytest.fixture
async def db(database_url: str):
    connection = await asyncpg.connect(database_url, timeout=30, command_timeout=60)
    yield connection
    await connection.close(timeout=30)


async def forms(db: asyncpg.Connection, rule: NumberRule, number: str) -> list[str]:
    await db.execute(
        "UPDATE ccm.contact_setting"
        " SET country_code = $1, international_prefix = $2, national_prefix = $3",
        rule.country_code,
        rule.international_prefix,
        rule.national_prefix,
    )
    return [row[0] for row in await db.fetch("SELECT ccm.forms_of_number($1)", number)]


async def test_the_database_knows_the_ways_of_a_number(db: asyncpg.Connection) -> None:
    for rule, number, wanted in FORMS:
        found = await forms(db, rule, number)
        assert (set(found), len(found)) == (wanted, len(wanted)), (rule, number)


async def test_each_way_of_a_number_and_no_other_is_that_number(db: asyncpg.Connection) -> None:
    """Every number of up to four digits, and some that begin as numbers abroad do."""
    ends = [str(n) for n in range(0, 1000, 7)] + ["00", "01", "07", "030"]
    texts = [head + end for head in ("", "+", "00", "0", "+49", "0049", "49", "011", "1", "+1")
             for end in ends]  # fmt: skip
    for rule in (NONE, GERMANY, AMERICA, SPAIN, BARE, NumberRule("4", "0", "00")):
        await forms(db, rule, "1")
        stored = sorted({normal(text, rule) for text in texts})
        found = await db.fetch(
            "SELECT n, f FROM unnest($1::text[]) AS n, ccm.forms_of_number(n) AS f", stored
        )
        owner = {row["f"]: row["n"] for row in found}
        assert len(owner) == len(found), "a form of two numbers"
        assert [form for form, number in owner.items() if normal(form, rule) != number] == []
        assert [text for text in texts if owner.get(text) != normal(text, rule)] == []
