"""Times as people type them: zones, clock changes, and what is no time at all."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ccmiddleware.cli import when

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 29, 10, 30, 15, tzinfo=UTC)
"""The day on which Berlin's clocks go from 02:00 to 03:00, at 12:30:15 there."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "2026-03-29T10:30:15"),
        ("today", "2026-03-28T23:00:00"),
        ("yesterday", "2026-03-27T23:00:00"),
        ("2026-03-01", "2026-02-28T23:00:00"),
        ("2026-03-01T08:30", "2026-03-01T07:30:00"),
        ("2026-03-01 08:30:05", "2026-03-01T07:30:05"),
        ("2026-03-01T08:30Z", "2026-03-01T08:30:00"),
        ("2026-03-01T08:30+05:30", "2026-03-01T03:00:00"),
        ("8:30", "2026-03-29T06:30:00"),
        ("08:30:59", "2026-03-29T06:30:59"),
        ("90s", "2026-03-29T10:28:45"),
        ("90m", "2026-03-29T09:00:15"),
        ("12h", "2026-03-28T22:30:15"),
        ("1d", "2026-03-28T10:30:15"),
        ("2w ago", "2026-03-15T10:30:15"),
        (" Today ", "2026-03-28T23:00:00"),
    ],
)
def test_what_can_be_typed(text: str, expected: str) -> None:
    moment = when.parse(text, NOW, BERLIN)
    assert moment == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "gestern", "25:00", "08:61", "2026-02-30", "999999w", "1y", "2026-13-01", "-3h"]
)
def test_what_is_no_time_is_told_with_what_is(text: str) -> None:
    with pytest.raises(ValueError, match="2026-03-01T08:30"):
        when.parse(text, NOW, BERLIN)


def test_times_are_shown_with_the_zone_that_held_then() -> None:
    assert when.show(datetime(2026, 3, 29, 0, 59, tzinfo=UTC), BERLIN) == "2026-03-29 01:59:00 CET"
    assert when.show(datetime(2026, 3, 29, 1, 0, tzinfo=UTC), BERLIN) == "2026-03-29 03:00:00 CEST"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-1, "0:00"),
        (0, "0:00"),
        (59.4, "0:59"),
        (59.5, "1:00"),
        (60, "1:00"),
        (3599, "59:59"),
        (3723, "1:02:03"),
    ],
)
def test_spans(seconds: float, shown: str) -> None:
    assert when.show_span(seconds) == shown


@pytest.mark.parametrize(
    ("name", "meant"),
    [("berlin", "Europe/Berlin"), ("Europe/Berln", "Europe/Berlin"), ("", "UTC")],
)
def test_a_zone_that_is_none_is_told_with_the_nearest(name: str, meant: str) -> None:
    with pytest.raises(ValueError, match=meant):
        when.zone_named(name)


def test_the_zone_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", ":America/New_York")
    assert when.local_zone(tmp_path).key == "America/New_York"
    monkeypatch.setenv("TZ", "Nowhere/At_All")
    assert when.local_zone(tmp_path).key == "UTC"
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/timezone").write_text("Asia/Tokyo\n")
    assert when.local_zone(tmp_path).key == "Asia/Tokyo"
    (tmp_path / "usr/share/zoneinfo/Europe").mkdir(parents=True)
    (tmp_path / "usr/share/zoneinfo/Europe/Rome").touch()
    (tmp_path / "etc/localtime").symlink_to(tmp_path / "usr/share/zoneinfo/Europe/Rome")
    assert when.local_zone(tmp_path).key == "Europe/Rome"
