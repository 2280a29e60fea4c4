"""Who is called in the lab: the same for the same seed, in the shares of its world, lawfully."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from math import inf

import pytest
from lab.far_end import Call, line, told
from lab.parties import CAUSES, RESULTS, STOCKS, Party, World, lead_file, numbers, parties
from lab.phones import LogLine

from ccmiddleware.dialer.lead_columns import columns_of
from ccmiddleware.dialer.numbers import parsed
from ccmiddleware.dialer.places import place_of
from ccmiddleware.dialer.profile_files import builtin
from ccmiddleware.dialer.windows import calling

NOON = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)
DAYS = (datetime(2026, 11, 29, tzinfo=UTC), datetime(2026, 7, 4, tzinfo=UTC))
"""A Sunday in winter, a holiday in summer."""


def test_the_same_seed_is_the_same_world() -> None:
    at = numbers(100, NOON)
    assert parties(World(), at, 7) == parties(World(), at, 7) != parties(World(), at, 8)


def test_the_shares_are_exact_and_the_talks_as_long_as_they_should_be() -> None:
    found = parties(World(), numbers(1000, NOON), 1)
    assert Counter(one.kind for one in found) == {
        "person": 250, "machine": 150, "no answer": 480, "busy": 60, "wrong number": 30,
        "no line": 20, "declined": 10,
    }  # fmt: skip
    talks = [one.talk for one in found if one.kind == "person"]
    assert 5 < sum(talks) / len(talks) < 7
    assert all(one.ring <= World().ring_longest for one in found)
    assert {one.kind for one in found} <= RESULTS.keys() | CAUSES.keys()


@pytest.mark.parametrize("day", DAYS, ids=["winter", "summer"])
def test_numbers_are_those_of_places_where_it_is_day(day: datetime) -> None:
    law = builtin("us-ftc")
    for minutes in range(0, 24 * 60, 30):
        at = day + timedelta(minutes=minutes)
        for number in numbers(2000, at)[::199]:
            now = calling(place_of(number), law, at)
            assert now.open_until, (number, at)
            assert now.open_until >= at + timedelta(hours=1)


def test_every_number_is_one_that_can_be_imported() -> None:
    for stock in STOCKS:
        assert len(set(stock.numbers)) == len(stock.numbers)
        assert [parsed(number, None)[0] for number in stock.numbers] == list(stock.numbers)
        zones = {place_of(number).zones for number in stock.numbers[::37]}
        assert zones == {(stock.zone,)}


def test_more_than_there_are_can_not_be_had() -> None:
    with pytest.raises(ValueError, match="only"):
        numbers(10_000, NOON)


def test_the_lead_file_has_the_columns_of_an_import() -> None:
    first, second, _ = lead_file([Party("+12125550100", "busy", 1)]).split("\n")
    header = first.split(",")
    assert columns_of(header, {}).described(header) == {
        "id": "external_id", "name": "name", "phone": "phone1",
    }  # fmt: skip
    assert second == "L00001,Lead 1,+12125550100"


@pytest.mark.parametrize(
    ("party", "expected"),
    [
        (Party("+12125550100", "person", 0.8, 6.25), "12125550100;200 OK;0;8;6;2;hello\n"),
        (Party("+12125550100", "machine", 1, inf), "12125550100;200 OK;1;0;3600;0;greeting\n"),
        (Party("+12125550100", "busy", 0), "12125550100;486 Busy Here;0;0;0;0;hello\n"),
    ],
)
def test_what_sipp_is_told_of_a_party(party: Party, expected: str) -> None:
    assert line(party) == expected


def test_a_log_is_read_as_calls() -> None:
    log = [
        LogLine("offered", 1.0, "1 12125550100"),
        LogLine("offered", 1.1, "2 12125550101"),
        LogLine("answered", 1.5, "1"),
        LogLine("cancelled", 2.0, "2"),
        LogLine("ended", 3.0, "1 them"),
        LogLine("refused", 3.5, "7"),
    ]
    calls = told(log)
    assert calls == [
        Call("+12125550100", 1.0, answered=1.5, ended=3.0, ended_by="them"),
        Call("+12125550101", 1.1, cancelled=2.0),
    ]
    assert [call.over for call in calls] == [3.0, 2.0]
