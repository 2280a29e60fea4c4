"""An operator's own profiles: found in their directory, and told with file, line and key."""

from pathlib import Path

import pytest

from ccmiddleware.dialer.profile_directory import OwnProfiles
from ccmiddleware.dialer.profile_files import builtin, line_of
from ccmiddleware.dialer.profile_sets import ProfileSet
from ccmiddleware.dialer.profiles import InvalidProfile

STRICTER = """title = "Acme"
version = "3"
builds_on = "us-ftc"

[cap]
calls = 2
hours = 24
source = "our code"

[abandonment]
limit = { value = 0.02, source = "our code" }
"""


@pytest.fixture
def known(tmp_path: Path) -> ProfileSet:
    return ProfileSet(OwnProfiles(tmp_path))


def problems(known: ProfileSet, name: str) -> list[str]:
    with pytest.raises(InvalidProfile) as caught:
        known.named(name)
    return caught.value.problems


def test_those_of_the_package_are_always_there(known: ProfileSet) -> None:
    assert known.named("us-ftc") is builtin("us-ftc")
    assert ProfileSet(OwnProfiles()).named("uk-ofcom") is builtin("uk-ofcom")
    assert [one.name for one in ProfileSet(OwnProfiles()).all()] == ["us-ftc", "uk-ofcom"]
    (problem,) = problems(ProfileSet(OwnProfiles()), "acme")
    assert "[dialing] profiles of ccm.toml" in problem


def test_its_own_is_stricter_and_its_label_tells_the_very_text(
    known: ProfileSet, tmp_path: Path
) -> None:
    file = tmp_path / "acme.toml"
    file.write_text(STRICTER)
    found = known.named("acme")
    assert found.terms.limit.value == 0.02
    assert found.label.startswith("acme 3 (")
    assert found.label.endswith(f") on {builtin('us-ftc').label}")
    assert known.named("acme") is found
    file.write_text(STRICTER.replace("0.02", "0.01"))
    assert known.named("acme").terms.limit.value == 0.01
    assert known.named("acme").label != found.label
    file.unlink()
    (problem,) = problems(known, "acme")
    assert f"neither of the package nor {file}; there are uk-ofcom, us-ftc" in problem


@pytest.mark.parametrize(
    ("before", "after", "where", "words"),
    [
        ("limit = { value = 0.02", "limit = { value = 0.05", 11, "is looser than 0.03 of us-ftc"),
        ("hours = 24", "hours = 0", 5, "cap:"),
        ("[abandonment]", "[abandonmint]", 10, "no such key; did you mean abandonment?"),
        ("limit =", "lmit =", 11, "abandonment.lmit"),
        ("[cap]", "[cap", 5, "is no TOML"),
        ('"us-ftc"', '"us-fcc"', None, "there is no such profile"),
        (', source = "our code" }', " }", 11, "abandonment.limit: must be a table with a value"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    known: ProfileSet, tmp_path: Path, before: str, after: str, where: int | None, words: str
) -> None:
    file = tmp_path / "acme.toml"
    assert before in STRICTER
    file.write_text(STRICTER.replace(before, after, 1))
    (problem, *_) = problems(known, "acme")
    place = f"{file}:{where}: " if where else f"{file}: "
    assert problem.startswith(place), problem
    assert words in problem


def test_files_that_are_none(known: ProfileSet, tmp_path: Path) -> None:
    (tmp_path / "us-ftc.toml").write_text(STRICTER)
    (tmp_path / "two words.toml").write_text(STRICTER)
    (tmp_path / "bytes.toml").write_bytes(b"title = 1\n\xff")
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "large.toml").write_text("#" * 1_000_001)
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "acme.toml").write_text(STRICTER)
    found = {one.path.name: one for one in known.all() if one.path is not None}
    assert found.pop("acme.toml").profile is not None
    said = {name: one.problems[0] for name, one in found.items()}
    assert all(one.profile is None for one in found.values())
    for name, words in (
        ("us-ftc.toml", "has the name of a profile of the package"),
        ("two words.toml", "a name is letters, digits"),
        ("bytes.toml", "bytes.toml:2: is no UTF-8"),
        ("folder.toml", "can't be read"),
        ("large.toml", "is larger than"),
    ):
        assert words in said.pop(name)
    assert said == {}
    assert known.named("us-ftc") is builtin("us-ftc")  # ours, whatever the directory has
    for name in ("../acme", "folder", "two words", ""):
        assert "there is no such profile" in problems(known, name)[0]


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    missing = ProfileSet(OwnProfiles(tmp_path / "nowhere"))
    with pytest.raises(InvalidProfile, match="can't be read"):
        missing.all()


@pytest.mark.parametrize(
    ("key", "line"),
    [("title", 1), ("cap", 5), ("cap.hours", 7), ("cap.more", 5), ("abandonment.limit.value", 11),
     ("states.US-FL", None), ("is no TOML: x (at line 4, column 2)", 4)],
)  # fmt: skip
def test_where_a_key_stands(key: str, line: int | None) -> None:
    assert line_of(STRICTER, key if "TOML" in key else f"{key}: wrong") == line
