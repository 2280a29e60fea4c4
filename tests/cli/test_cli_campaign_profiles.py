"""`ccm campaign profiles`, and campaigns that dial by a profile of their operator."""

import json
from pathlib import Path
from typing import Any

import pytest
from ccm_day import Ccm

STRICTER = """title = "Acme"
version = "3"
builds_on = "us-ftc"
[cap]
calls = 2
hours = 24
source = "our code"
"""


@pytest.fixture
def own(on_database: Ccm, tmp_path: Path) -> Path:
    """The directory of own profiles."""
    directory = tmp_path / "profiles"
    directory.mkdir()
    text = on_database.config.read_text()
    on_database.write(f'{text}\n[dialing]\nprofiles = "{directory}"\n')
    return directory


def listed(ccm: Ccm, *arguments: str, code: int = 0) -> Any:
    return json.loads(ccm.run("campaign", "profiles", *arguments, "--json", code=code).stdout)


def whole(name: str) -> str:
    """The text of a profile of the package, which builds on none."""
    from importlib.resources import files

    return files("ccmiddleware.dialer").joinpath("profiles", f"{name}.toml").read_text("utf-8")


def test_those_of_the_package(on_database: Ccm) -> None:
    on_database.run("campaign", "create", "spring", "profile=us-ftc")
    rows = listed(on_database)
    assert [(row["name"], row["source"], row["used_by"]) for row in rows] == [
        ("us-ftc", "ccmiddleware", ["spring"]), ("uk-ofcom", "ccmiddleware", []),
    ]  # fmt: skip
    assert rows[0]["version"] in on_database.run("campaign", "profiles").stdout
    asked = listed(on_database, "us-ftc")
    assert {"key": "abandonment.limit", "value": "0.03", "source": "16 CFR 310.4(b)(4)(i)"} in (
        asked["rules"]
    )
    said = on_database.run("campaign", "profiles", "acme", code=1).stderr
    assert "[dialing] profiles of ccm.toml" in " ".join(said.split())
    said = on_database.run("campaign", "set", "spring", "profile=acme", code=2).stderr
    assert "there is no such profile" in said


def test_ones_own_is_set_and_checked(on_database: Ccm, own: Path) -> None:
    (own / "acme.toml").write_text(STRICTER)
    on_database.run("campaign", "create", "spring", "profile=acme")
    (row,) = [row for row in listed(on_database) if row["name"] == "acme"]
    assert (row["builds_on"], row["used_by"]) == ("us-ftc 2026-11-28", ["spring"])
    assert (row["version"][:2], row["source"]) == ("3 ", str(own / "acme.toml"))
    assert "2 calls in 24 hours" in on_database.run("campaign", "profiles", "acme").stdout
    found = json.loads(on_database.run("campaign", "check", "spring", "--json", code=1).stdout)
    assert "profile" not in {one["key"] for one in found}


def test_a_file_that_is_wrong_is_told_by_line(on_database: Ccm, own: Path) -> None:
    file = own / "acme.toml"
    file.write_text(STRICTER)
    on_database.run("campaign", "create", "spring", "profile=acme")
    file.write_text(STRICTER.replace("calls = 2", "calls = 2\ncals = 2"))
    place = f"{file}:6: cap.cals"
    for arguments, code in (
        (("profiles",), 1), (("profiles", "acme"), 1), (("set", "spring", "profile=acme"), 2),
        (("check", "spring"), 1),
    ):  # fmt: skip
        result = on_database.run("campaign", *arguments, code=code)
        assert place in "".join((result.stdout + result.stderr).split("\n")), arguments
    (row,) = [row for row in listed(on_database, code=1) if not row["usable"]]
    assert row["problems"][0].startswith(place)


def test_one_without_a_law_does_not_dial_where_we_know_one(
    on_database: Ccm, own: Path, tmp_path: Path
) -> None:
    (own / "free.toml").write_text(whole("us-ftc"))
    leads = tmp_path / "leads.csv"
    leads.write_text("phone\n+493012345678\n")
    on_database.run("campaign", "create", "spring", "profile=free")
    on_database.run("lead", "import", str(leads), "--campaign", "spring")

    def wrong() -> list[str]:
        told = on_database.run("campaign", "check", "spring", "--json", code=1).stdout
        return [one["right"] for one in json.loads(told) if one["key"] == "profile"]

    assert wrong() == []
    leads.write_text("phone\n+13052220123\n")
    on_database.run("lead", "import", str(leads), "--campaign", "spring")
    (right,) = wrong()
    assert 'builds_on = "us-ftc"' in right
