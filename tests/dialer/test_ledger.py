"""The days of a campaign, from the database and from what ends here."""

from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from ccmiddleware.dialer.attempts import Ended
from ccmiddleware.dialer.budget import GoOn
from ccmiddleware.dialer.ledger import Day, Ledger
from ccmiddleware.dialer.profile_files import builtin

US = builtin("us-ftc")
EVENING = datetime(2026, 12, 1, 3, 30, tzinfo=UTC)
"""The 30th of November in New York."""


def ended(live: bool = True, dropped: bool = False) -> Ended:
    return Ended(UUID(int=1), 1, "+12025550123", EVENING, "connected", live=live, dropped=dropped)


def ledger(*days: Day) -> Ledger:
    made = Ledger(date(2026, 11, 20), ZoneInfo("America/New_York"))
    made.read(days)
    return made


def test_an_attempt_counts_for_the_day_of_its_claim_where_the_campaign_is() -> None:
    found = ledger(Day(date(2026, 11, 30), 400, 99, 1))
    found.add(ended(), EVENING)
    found.add(ended(dropped=True), EVENING)
    found.add(ended(live=False, dropped=True), EVENING)
    period = found.decision(US, EVENING).period
    assert (period.live, period.drops) == (101, 2)


def test_what_was_read_stands_in_place_of_what_was_counted() -> None:
    found = ledger()
    found.add(ended(dropped=True), EVENING)
    found.read([Day(date(2026, 11, 30), 10, 5, 0)])
    assert found.decision(US, EVENING).period.drops == 0


def test_leads_that_are_left_bear_a_first_drop() -> None:
    found = ledger(Day(date(2026, 11, 30), 40, 10, 1))
    assert found.decision(US, EVENING).go_on is GoOn.PROGRESSIVE
    assert found.decision(US, EVENING, leads_left=10_000).go_on is GoOn.NORMAL


def test_far_above_the_limit_it_stops() -> None:
    found = ledger(Day(date(2026, 11, 25), 1000, 100, 90))
    assert found.decision(US, EVENING, leads_left=10_000).go_on is GoOn.STOP


def test_persons_who_were_taken_for_machines_are_drops() -> None:
    found = ledger(Day(date(2026, 11, 30), 400, 99, 1, 2.5))
    found.add(ended(), EVENING)
    period = found.decision(US, EVENING).period
    assert (period.live, period.drops) == (102.5, 3.5)
