"""Retry rules: their text, and what becomes of a lead after its attempts."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccmiddleware.dialer.retry import (
    DEFAULT,
    DEFAULT_TEXT,
    RESULTS,
    Again,
    Attempt,
    Finished,
    InvalidRetry,
    Number,
    Promise,
    RetryRule,
    RetryRules,
    parse_retry,
    show_retry,
    what_next,
)

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOME, MOBILE, WORK = "+13055550101", "+13055550102", "+13055550103"
NUMBERS = [Number(HOME), Number(MOBILE), Number(WORK)]


def ago(minutes: float) -> datetime:
    return NOON - timedelta(minutes=minutes)


# -- text -------------------------------------------------------------------------------------

TEXTS = [
    ("", {}),
    ("busy 10m x3", {"busy": RetryRule(timedelta(minutes=10), 3)}),
    ("no_answer 4h x5 next-number other-hour",
     {"no_answer": RetryRule(timedelta(hours=4), 5, True, True)}),
    (" machine  1d x2   other-hour ;; failed 90m x1 next-number; ",
     {"machine": RetryRule(timedelta(days=1), 2, False, True),
      "failed": RetryRule(timedelta(minutes=90), 1, True)}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "rules"), TEXTS)
def test_rules_from_text(text: str, rules: dict[str, RetryRule]) -> None:
    assert parse_retry(text) == rules
    assert parse_retry(show_retry(rules)) == rules


def test_the_default_is_shown_as_it_is_written() -> None:
    assert show_retry(DEFAULT.by_result) == DEFAULT_TEXT


WRONG = [
    ("busy", "is no rule"),
    ("busy 10 x3", "is no rule"),
    ("busy 10m", "is no rule"),
    ("busy 10m 3", "is no rule"),
    ("noanswer 4h x5", "did you mean no_answer?"),
    ("connected 4h x5", "no rule can be for 'connected'"),
    ("buzy 4h x5", "did you mean busy?"),
    ("busy 10m x0", "write x1 to x100"),
    ("busy 10m x101", "write x1 to x100"),
    ("busy 0m x3", "write a delay from 1m"),
    ("busy 366d x3", "to 365d"),
    ("busy 10m x3 next-numbers", "'next-numbers' is neither"),
    ("busy 10m x3; busy 5m x1", "two rules for busy"),
]


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_text_that_is_no_rule(text: str, words: str) -> None:
    with pytest.raises(InvalidRetry, match=words):
        parse_retry(text)


RULES = st.dictionaries(
    st.sampled_from([result for result in RESULTS if result != "connected"]),
    st.builds(
        RetryRule,
        st.integers(1, 365 * 1440).map(lambda minutes: timedelta(minutes=minutes)),
        st.integers(1, 100),
        st.booleans(),
        st.booleans(),
    ),
)


@settings(deadline=None)
@given(RULES)
def test_text_and_rules_are_the_same(rules: dict[str, RetryRule]) -> None:
    assert parse_retry(show_retry(rules)) == rules


# -- what comes next ----------------------------------------------------------------------------

PLAIN = "busy 10m x3; no_answer 4h x5 next-number; failed 1h x2 next-number; machine 1d x2"

# attempts (minutes ago, number, result, cause); minutes from now and number, or why it is finished
NEXT: list[tuple[list[tuple[int, str, str, int | None]], tuple[int, str] | str]] = [
    ([], (0, HOME)),
    ([(3, HOME, "busy", None)], (7, HOME)),
    ([(30, HOME, "busy", None)], (0, HOME)),  # the time has passed
    ([(40, HOME, "busy", None), (20, HOME, "busy", None)], (0, HOME)),
    ([(60, HOME, "busy", None), (40, HOME, "busy", None), (1, HOME, "busy", None)],
     "busy 3 of 3 times"),
    ([(60, HOME, "no_answer", None)], (180, MOBILE)),
    ([(300, HOME, "no_answer", None), (60, MOBILE, "no_answer", None)], (180, WORK)),
    ([(60, WORK, "no_answer", None)], (180, HOME)),  # behind the last comes the first
    ([(600, HOME, "no_answer", None), (5, MOBILE, "busy", None)], (5, MOBILE)),
    ([(minutes * 300, HOME, "no_answer", None) for minutes in range(1, 6)],
     "no_answer 5 of 5 times"),
    ([(10, HOME, "machine", None)], (1430, HOME)),
    ([(10, HOME, "connected", None)], "connected"),
    ([(90, HOME, "no_answer", None), (10, MOBILE, "connected", None)], "connected"),
    ([(10, HOME, "hung_up", None)], "hung_up: no rule tries that again"),
    ([(10, HOME, "dropped", None)], "dropped: no rule tries that again"),
    ([(10, HOME, "unknown", None)], "unknown: no rule tries that again"),
    ([(10, HOME, "failed", 34)], (50, MOBILE)),  # no circuit: not the number's fault
    ([(10, HOME, "failed", None)], (50, MOBILE)),
    ([(10, HOME, "failed", 1)], (0, MOBILE)),  # no such number: the next one at once
    ([(10, HOME, "failed", 22)], (0, MOBILE)),
    ([(10, HOME, "failed", 28)], (0, MOBILE)),
    ([(30, HOME, "failed", 1), (10, MOBILE, "failed", 1)], (0, WORK)),
    ([(30, HOME, "failed", 1), (20, MOBILE, "failed", 1), (10, WORK, "failed", 1)],
     "no number is left"),
    ([(20, HOME, "no_answer", None), (15, MOBILE, "busy", None), (10, WORK, "failed", 1)],
     (0, MOBILE)),  # all were tried: by the rule of the last one that exists, whose delay is over
    ([(20, HOME, "no_answer", None), (2, MOBILE, "busy", None), (1, WORK, "failed", 1)],
     (8, MOBILE)),
    ([(30, HOME, "failed", 1), (10, MOBILE, "no_answer", None)], (230, WORK)),
    ([(30, HOME, "failed", 1), (10, WORK, "no_answer", None)], (230, MOBILE)),
]  # fmt: skip


@pytest.mark.parametrize(("made", "expected"), NEXT)
def test_next(
    made: list[tuple[int, str, str, int | None]], expected: tuple[int, str] | str
) -> None:
    attempts = [Attempt(ago(minutes), *rest) for minutes, *rest in made]  # type: ignore[arg-type]
    found = what_next(RetryRules(parse_retry(PLAIN)), NUMBERS, attempts, NOON)
    if isinstance(expected, str):
        assert isinstance(found, Finished)
        assert expected in found.reason
    else:
        assert isinstance(found, Again), found
        minutes, number = expected
        assert (found.at, found.number) == (NOON + timedelta(minutes=minutes), number)
        assert found.reason


def test_the_order_in_which_attempts_are_given_does_not_matter() -> None:
    attempts = [Attempt(ago(5), MOBILE, "busy"), Attempt(ago(600), HOME, "no_answer")]
    rules = RetryRules(parse_retry(PLAIN))
    assert what_next(rules, NUMBERS, attempts, NOON) == what_next(
        rules, NUMBERS, attempts[::-1], NOON
    )


def test_no_more_attempts_than_the_most() -> None:
    rules = RetryRules(parse_retry(PLAIN), most=2)
    attempts = [Attempt(ago(900), HOME, "no_answer"), Attempt(ago(60), MOBILE, "busy")]
    assert what_next(rules, NUMBERS, attempts, NOON) == Finished(
        "tried 2 times, the most for a lead"
    )


def test_numbers_that_may_not_be_called_are_passed_over() -> None:
    numbers = [Number(HOME, usable=False), Number(MOBILE), Number(WORK, usable=False)]
    rules = RetryRules(parse_retry(PLAIN))
    first = what_next(rules, numbers, [], NOON)
    assert isinstance(first, Again)
    assert first.number == MOBILE
    again = what_next(rules, numbers, [Attempt(ago(10), HOME, "busy")], NOON)
    assert isinstance(again, Again)
    assert again.number == MOBILE
    none = what_next(rules, [Number(HOME, usable=False)], [], NOON)
    assert none == Finished("no number is left that may be called and exists")


def test_a_number_that_is_no_longer_the_leads_is_not_tried() -> None:
    found = what_next(
        RetryRules(parse_retry(PLAIN)), NUMBERS, [Attempt(ago(5), "+13055559999", "busy")], NOON
    )
    assert isinstance(found, Again)
    assert found.number == HOME


MIAMI = ZoneInfo("America/New_York")

# earlier attempts and the last one (local time in Miami), when again
HOURS = [
    (["Tue 2026-03-10 10:00"], "Tue 2026-03-10 14:00"),  # four hours later is the afternoon
    (["Tue 2026-03-10 09:00"], "Tue 2026-03-10 13:00"),
    (["Tue 2026-03-10 08:00"], "Tue 2026-03-10 12:00"),
    (["Tue 2026-03-10 12:30"], "Tue 2026-03-10 17:00"),  # 16:30 is the afternoon still
    (["Tue 2026-03-10 18:00"], "Wed 2026-03-11 08:00"),
    (["Mon 2026-03-09 10:00", "Tue 2026-03-10 14:00"], "Tue 2026-03-10 18:00"),
    (["Mon 2026-03-09 18:00", "Tue 2026-03-10 10:00"], "Tue 2026-03-10 14:00"),
    (["Sun 2026-03-08 10:00", "Mon 2026-03-09 14:00", "Mon 2026-03-09 19:00"],
     "Tue 2026-03-10 08:00"),  # all once: the earliest
    (["Sun 2026-03-08 10:00", "Mon 2026-03-09 10:00", "Mon 2026-03-09 19:00"],
     "Tue 2026-03-10 12:00"),
    (["Sat 2026-03-07 19:00"], "Sun 2026-03-08 08:00"),  # over the change of clocks
]  # fmt: skip


def local(text: str) -> datetime:
    found = datetime.strptime(text[4:], "%Y-%m-%d %H:%M").replace(tzinfo=MIAMI)
    assert f"{found:%a}" == text[:3]
    return found


@pytest.mark.parametrize(("made", "expected"), HOURS)
def test_another_part_of_the_day(made: list[str], expected: str) -> None:
    attempts = [Attempt(local(text), HOME, "no_answer") for text in made]
    now = attempts[-1].at + timedelta(minutes=1)
    rules = RetryRules(parse_retry("no_answer 4h x9 other-hour"))
    found = what_next(rules, NUMBERS, attempts, now, zone="America/New_York")
    assert isinstance(found, Again)
    assert found.at == local(expected), found.at.astimezone(MIAMI)
    assert "another part of the day" in found.reason


# -- callbacks ------------------------------------------------------------------------------------

LATER = NOON + timedelta(hours=3)


def promised(*made: Attempt, now: datetime, agent: str | None = None) -> Again | Finished:
    promise = Promise(LATER, MOBILE, made_at=ago(60), agent=agent)
    return what_next(RetryRules(parse_retry(PLAIN)), NUMBERS, made, now, promise=promise)


def test_a_promised_callback_goes_before_the_rules() -> None:
    connected = Attempt(ago(61), HOME, "connected")
    found = promised(connected, now=NOON, agent="ann")
    assert found == Again(
        LATER, MOBILE, "callback promised for 2026-03-10 15:00 UTC", callback=True, agent="ann"
    )


def test_a_callback_that_is_due_is_due_now() -> None:
    found = promised(now=LATER + timedelta(minutes=5))
    assert isinstance(found, Again)
    assert (found.at, found.callback) == (LATER + timedelta(minutes=5), True)


def test_a_callback_that_reaches_nobody_is_tried_again_and_then_left_to_the_rules() -> None:
    tries = [
        Attempt(LATER + timedelta(minutes=20 * number), MOBILE, "no_answer", callback=True)
        for number in range(3)
    ]
    found = promised(*tries[:1], now=LATER + timedelta(minutes=1))
    assert isinstance(found, Again)
    assert (found.at, found.number) == (LATER + timedelta(minutes=15), MOBILE)
    assert "tried 1 of 3 times" in found.reason
    after = promised(*tries, now=LATER + timedelta(minutes=41))
    assert isinstance(after, Again)
    assert not after.callback
    assert (after.at, after.number) == (tries[2].at + timedelta(hours=4), WORK)


def test_a_callback_that_was_kept_finishes_the_lead() -> None:
    kept = Attempt(LATER, MOBILE, "connected", callback=True)
    assert promised(kept, now=LATER + timedelta(minutes=9)) == Finished("connected")


def test_a_callback_of_an_earlier_promise_does_not_count() -> None:
    old = Attempt(ago(200), MOBILE, "connected", callback=True)
    found = promised(old, now=NOON)
    assert isinstance(found, Again)
    assert found.at == LATER


def test_a_callback_to_a_number_that_may_not_be_called_any_more_is_not_made() -> None:
    promise = Promise(LATER, MOBILE, made_at=ago(60))
    numbers = [Number(HOME), Number(MOBILE, usable=False)]
    connected = Attempt(ago(61), HOME, "connected")
    found = what_next(DEFAULT, numbers, [connected], NOON, promise=promise)
    assert found == Finished("connected")


# -- what must always hold ----------------------------------------------------------------------

ATTEMPTS = st.lists(
    st.builds(
        Attempt,
        st.integers(0, 20_000).map(ago),
        st.sampled_from([HOME, MOBILE, WORK]),
        st.sampled_from(RESULTS),
        st.sampled_from([None, 1, 16, 34]),
    ),
    max_size=8,
)


@settings(deadline=None)
@given(ATTEMPTS, st.sets(st.sampled_from([HOME, MOBILE, WORK])))
def test_never_in_the_past_and_never_a_number_that_may_not_be_called(
    attempts: list[Attempt], forbidden: set[str]
) -> None:
    numbers = [Number(each.e164, each.e164 not in forbidden) for each in NUMBERS]
    found = what_next(DEFAULT, numbers, attempts, NOON, zone="America/Chicago")
    if isinstance(found, Again):
        assert found.at >= NOON
        assert found.number not in forbidden
        dead = {each.number for each in attempts if each.result == "failed" and each.cause == 1}
        assert found.number not in dead
        assert len(attempts) < DEFAULT.most


@settings(deadline=None)
@given(st.lists(st.sampled_from([r for r in RESULTS if r != "connected"]), max_size=20))
def test_every_lead_is_finished_in_the_end(results: list[str]) -> None:
    """Whatever comes back, there are never more attempts than the rules have in all."""
    attempts: list[Attempt] = []
    now = NOON
    for result in results:
        found = what_next(DEFAULT, NUMBERS, attempts, now)
        if isinstance(found, Finished):
            break
        now = found.at
        attempts.append(Attempt(now, found.number, result))
    assert len(attempts) <= DEFAULT.most
