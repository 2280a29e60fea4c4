"""The shape of the code, held by tests: what linters can't see."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "ccmiddleware").rglob("*.py"))


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in MODULES
        if not path.read_text().lstrip().startswith('"""')
    ]
    assert silent == []


def test_there_are_no_rooms_for_leftovers() -> None:
    leftovers = {"utils.py", "helpers.py", "base.py", "common.py", "misc.py"}
    assert [path for path in MODULES if path.name in leftovers] == []


def test_sql_is_one_described_statement_to_a_file() -> None:
    queries = sorted((ROOT / "ccmiddleware" / "store" / "queries").glob("*.sql"))
    assert queries
    for path in queries:
        text = path.read_text()
        assert text.startswith("-- "), f"{path.name} does not say what it does"
        bare = re.sub(r"--[^\n]*|'(?:[^']|'')*'", "", text)
        assert bare.strip().rstrip(";").count(";") == 0, (
            f"{path.name} holds more than one statement"
        )


def test_every_query_is_used() -> None:
    code = "\n".join(path.read_text() for path in MODULES)
    for path in (ROOT / "ccmiddleware" / "store" / "queries").glob("*.sql"):
        assert f'"{path.stem}"' in code, f"{path.name} is used by nobody"


def test_migrations_and_views_have_numbers_of_their_own() -> None:
    for folder in ("migrations", "views"):
        numbers = [path.name.split("_")[0] for path in (ROOT / "sql" / folder).glob("*.sql")]
        assert len(numbers) == len(set(numbers)), f"two files of sql/{folder} share a number"


def test_nothing_reads_the_clock_but_the_clock() -> None:
    readers = re.compile(r"\b(?:datetime\.(?:now|utcnow)|time\.time)\(")
    found = [
        str(path.relative_to(ROOT))
        for path in MODULES
        if path.name != "clock.py" and readers.search(path.read_text())
    ]
    assert found == []
