"""The judge of the chaos is judged: what it must find, and the little that it may let pass."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from chaos import plan, told
from chaos.comparing import CUT, NEVER_WRITTEN, TOLD_NOT_WRITTEN, Account, compare
from chaos.stored import StoredCall, StoredStay, recording_differences
from chaos.told import Death

BEGIN = datetime(2026, 11, 27, 12, tzinfo=UTC)
EPOCH = int(BEGIN.timestamp())
DIES = BEGIN + timedelta(seconds=30)
DEATHS = [Death(DIES, DIES + timedelta(seconds=0.2), "kill -9")]

ANSWERED = (
    "0|c1|desk|NONE|ENTERQUEUE||12025550131|1",
    "4|c1|desk|Bell|RINGNOANSWER|1000",
    "6|c1|desk|Ada|CONNECT|6|x1|1",
    "11|c1|desk|Ada|COMPLETEAGENT|6|5|1",
)
STARTED = "0|NONE|NONE|NONE|QUEUESTART|"
AGAIN = "32|NONE|NONE|NONE|QUEUESTART|"


def log(*lines: str) -> dict[str, told.Told]:
    """The calls of lines whose times count from BEGIN."""
    moved = []
    for line in lines:
        at, _, rest = line.partition("|")
        moved.append(f"{EPOCH + int(at)}|{rest}\n")
    return told.calls(told.parse("".join(moved).encode()))


def stay(**changes: Any) -> StoredStay:
    """The stay of ANSWERED, as we have it."""
    same = StoredStay(
        queue="desk",
        outcome="answered",
        inferred=False,
        wait=6.3,
        unanswered=["Bell"],
        answered_offers=1,
        agent="Ada",
        ended_by="agent",
        talk=5.2,
        ended_at=BEGIN + timedelta(seconds=11.5),
    )
    return replace(same, **changes)


def call(*stays: StoredStay, **changes: Any) -> StoredCall:
    """An interaction with these stays; without any, that of ANSWERED."""
    ended_at = BEGIN + timedelta(seconds=12)
    same = StoredCall("id", "c1", "answered", False, BEGIN, ended_at, list(stays or [stay()]))
    return replace(same, **changes)


def account(lines: tuple[str, ...], *calls: StoredCall) -> Account:
    return compare(log(STARTED, *lines), calls, DEATHS)


def test_the_same_call_twice_told_is_well() -> None:
    found = account(ANSWERED, call())
    assert found.well
    assert (found.observed, found.inferred, found.outcomes) == (1, 0, {"answered": 1})


def test_a_call_that_only_queue_log_has_is_lost() -> None:
    assert len(account(ANSWERED).lost) == 1


def test_two_interactions_of_one_call_are_doubled() -> None:
    assert len(account(ANSWERED, call(), call(id="other")).doubled) == 1


def test_a_call_that_only_we_have_is_a_difference() -> None:
    assert len(account(ANSWERED, call(), call(uniqueid="c2")).different) == 1
    inferred_at_the_end = call(
        stay(outcome="lost", inferred=True), uniqueid="c2", outcome="lost", inferred=True,
        started_at=DIES - timedelta(seconds=0.5),
    )  # fmt: skip
    assert account(ANSWERED, call(), inferred_at_the_end).cut == {NEVER_WRITTEN: 1}
    assert account(ANSWERED, call(), replace(inferred_at_the_end, inferred=False)).different


@pytest.mark.parametrize(
    "changes",
    [
        {"queue": "shy"},
        {"agent": "Bo"},
        {"ended_by": "caller"},
        {"ended_by": "lost", "inferred": True},
        {"outcome": "abandoned"},
        {"unanswered": []},
        {"unanswered": ["Bell", "Bell"]},
        {"answered_offers": 2},
        {"wait": 8.0},
        {"talk": 7.0},
        {"talk": 8.0, "inferred": True},
    ],
)
def test_a_stay_that_differs_is_found(changes: dict[str, Any]) -> None:
    assert len(account(ANSWERED, call(stay(**changes))).different) == 1


def test_what_was_completed_may_be_a_second_less_exact() -> None:
    assert account(ANSWERED, call(stay(talk=7.0, inferred=True))).well


def test_a_stay_too_many_or_too_few_is_found() -> None:
    assert account(ANSWERED, call(stay(), stay())).different
    again = (*ANSWERED, "12|c1|next|NONE|ENTERQUEUE||1|1", "14|c1|next|NONE|ABANDON|1|1|2")
    assert account(again, call()).different
    second = stay(
        queue="next", outcome="abandoned", agent="", ended_by="", talk=0.0, wait=2.1,
        unanswered=[], answered_offers=0,
    )  # fmt: skip
    assert account(again, call(stay(), second)).well


def test_the_outcome_of_the_whole_must_be_that_of_its_stays() -> None:
    assert account(ANSWERED, call(outcome="lost")).different


def test_a_call_that_goes_on_is_no_match_while_asterisk_lives() -> None:
    open_ = stay(ended_by="lost", inferred=True, ended_at=DIES)
    assert account(ANSWERED[:3], call(open_, inferred=True)).different


def cut_off(ours: StoredStay) -> Account:
    return account((*ANSWERED[:3], AGAIN), call(ours, inferred=True))


def test_a_talk_that_asterisk_took_with_it_must_be_lost_and_inferred() -> None:
    lost = stay(ended_by="lost", inferred=True, ended_at=DIES, talk=24.0)
    assert cut_off(lost).cut == {CUT: 1}
    assert cut_off(lost).well
    assert cut_off(replace(lost, inferred=False)).different
    assert cut_off(replace(lost, agent="Bo")).different
    assert cut_off(replace(lost, wait=9.0)).different
    assert cut_off(replace(lost, ended_at=DIES + timedelta(seconds=9))).different
    assert cut_off(replace(lost, ended_at=BEGIN + timedelta(seconds=2))).different
    assert cut_off(replace(lost, ended_by="caller")).cut == {TOLD_NOT_WRITTEN: 1}


def test_an_end_that_asterisk_told_and_never_wrote_can_only_be_in_its_last_moments() -> None:
    late = stay(ended_at=DIES - timedelta(seconds=1))
    assert cut_off(late).cut == {TOLD_NOT_WRITTEN: 1}
    assert cut_off(replace(late, ended_at=DIES - timedelta(seconds=10))).different
    answer = stay(ended_by="lost", inferred=True, ended_at=DIES, talk=0.5)
    lines = (*ANSWERED[:2], AGAIN)
    assert account(lines, call(answer, inferred=True)).cut == {TOLD_NOT_WRITTEN: 1}
    assert account(lines, call(replace(answer, inferred=False), inferred=True)).different
    assert account(lines, call(replace(answer, talk=20.0), inferred=True)).different


def test_a_caller_who_waited_when_asterisk_ended_is_lost() -> None:
    lines = (ANSWERED[0], AGAIN)
    lost = stay(
        outcome="lost", agent="", ended_by="", talk=0.0, wait=30.0, unanswered=[],
        answered_offers=0, inferred=True, ended_at=DIES,
    )  # fmt: skip
    assert account(lines, call(lost, outcome="lost", inferred=True)).cut == {CUT: 1}
    assert account(lines, call(replace(lost, inferred=False), outcome="lost")).different
    guessed = replace(lost, outcome="abandoned", ended_at=DIES - timedelta(seconds=20))
    assert account(lines, call(guessed, outcome="abandoned")).different


def test_lines_that_were_torn_are_no_rows() -> None:
    assert told.parse(b"17643\n|\n1764244800|NONE|NONE|NONE|QUEUESTART|\n\0\0\n") == [
        told.Row(1764244800, "NONE", "NONE", "NONE", "QUEUESTART", ("",))
    ]


def test_files_of_recordings_are_each_of_one_row(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"sound")
    sha = "c39df1c0c2ac1b4f4a6e3eb8e8f4c3ce5b9a8c9b86f5b0dd41b7b1f6d0f3ee02"
    row = {"path": "a.wav", "state": "finished", "talked": True, "bytes": 5, "sha256": sha}
    assert recording_differences([row], tmp_path) == [
        "recording that was changed after it was finished: a.wav"
    ]
    assert recording_differences([], tmp_path) == ["recording that nobody knows: a.wav"]
    missing = {**row, "state": "missing", "path": "b.wav"}
    assert recording_differences([{**row, "state": "missing"}, missing], tmp_path) == []
    assert len(recording_differences([{**row, "path": "c.wav"}, missing], tmp_path)) == 2
    assert recording_differences([{**missing, "talked": False}] * 2, tmp_path)[0].endswith("b.wav")


def test_a_seed_is_a_plan() -> None:
    lanes = plan.lanes(7, 20)
    assert lanes == plan.lanes(7, 20)
    assert lanes != plan.lanes(8, 20)
    kinds = [fault.kind for lane in lanes for fault in lane]
    assert {kind: kinds.count(kind) for kind in kinds} == dict.fromkeys(plan.KINDS, 20)
    callers = list(islice(plan.callers(7), 500))
    assert callers == list(islice(plan.callers(7), 500))
    assert {caller.fate for caller in callers} == set(plan.FATES)
    assert len({caller.number for caller in callers}) == 500
    assert json.dumps([caller.number for caller in callers])
