"""What an agent's answer asks for: commands at the top, and the text below them. Pure.

    #close                 the matter is done
    #wait 2d               come back to it after that time (30m, 2h, 3d, 1w, 1d 4h)
    #transfer QUEUE        give it to another queue; the text below is a note for the colleagues
    #note                  the text below is a note, and nothing goes to the customer
    #contact +4930123456   that number, or address, is the same customer's; beside all else
    #optout                the customer wants no calls: the numbers known, or #optout +4930123456;
                           beside all else

A command stands on a line of its own, before any other text. What is wrong with an answer is told
all at once and nothing of it is done: half an answer is worse than none. A known command that
stands below the text, where it would go to the customer, is told too. A line that shall begin with
a # is written with two.

Whoever calls ``parse`` must have made sure that an agent wrote the text and may speak for the item:
a customer's mail never comes here, so nothing in it is ever a command.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import assert_never

COMMANDS = ("close", "contact", "note", "optout", "transfer", "wait")
BESIDE = ("contact", "optout")
"""Those that may stand beside any other, and several times."""
LONGEST_WAIT = timedelta(days=365)
SHORTEST_WAIT = timedelta(minutes=1)

_COMMAND = re.compile(r"#([^\W\d_][\w-]*)(?:\s+(\S.*))?", re.S)
_UNSEEN = str.maketrans(
    {"\u00a0": " ", "\u202f": " ", "\u200b": None, "\u200c": None, "\u200d": None, "\ufeff": None}
)
_DURATION = re.compile(r"(?:\d{1,5}\s*[a-z]+[\s,]*)+", re.I)
_PART = re.compile(r"(\d{1,5})\s*([a-z]+)", re.I)
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_WORDS = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "week", "weeks"), "w"),
}


@dataclass(frozen=True, slots=True)
class Nothing:
    """The conversation stays as it is: it waits for the customer."""


@dataclass(frozen=True, slots=True)
class Close:
    """The conversation is done."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The conversation comes back to the queue after a time."""

    time: timedelta


Then = Nothing | Close | Wait


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to the customer."""

    text: str
    then: Then = Nothing()


@dataclass(frozen=True, slots=True)
class Note:
    """A note in the conversation, for colleagues alone; ``then`` as with an answer."""

    text: str
    then: Then = Nothing()


@dataclass(frozen=True, slots=True)
class Only:
    """Nothing is said to anybody."""

    then: Close | Wait


@dataclass(frozen=True, slots=True)
class Transfer:
    """The conversation goes to another queue, maybe with a note for those who take it there."""

    queue: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing is done. Each problem is a sentence for the receipt."""

    problems: tuple[str, ...]


Order = Reply | Note | Only | Transfer
Found = Order | Refused


def contacts(text: str) -> tuple[tuple[str, ...], str]:
    """What #contact names, each as it stands there, and the text without these lines.

    They may stand several times, and beside any other command; what is left is for ``parse``.
    """
    return _beside("contact", text)


def optouts(text: str) -> tuple[tuple[str, ...], str]:
    """What #optout names, as ``contacts``; one that stands alone on its line names ""."""
    return _beside("optout", text)


def _beside(wanted: str, text: str) -> tuple[tuple[str, ...], str]:
    lines = text.splitlines()
    commands, rest = _split(text)
    head = lines[: len(lines) - len(rest)]
    named = tuple(argument for name, argument in commands if name == wanted)
    kept = [line for line in head if (_command(line) or ("", ""))[0] != wanted]
    return named, "\n".join([*kept, *rest]) if named else text


def parse(text: str, queues: Iterable[str], attachments: int = 0) -> Found:
    """What the agent asks for. ``text`` without quoted history; ``queues`` that there are.

    ``attachments``: how many the answer has; one with some and without text is an answer.
    """
    lines, rest = _split(text)
    problems = [*_misplaced(rest)]
    said: dict[str, str] = {}
    for name, argument in lines:
        if name not in COMMANDS:
            problems.append(_unknown(name))
        elif said.get(name, argument).lower() != argument.lower():
            problems.append(f"#{name} stands there twice, with different words behind it.")
        else:
            said.setdefault(name, argument)
    problems += _contradictions(said)
    then = _then(said, problems)
    queue = _queue(said["transfer"], tuple(queues), problems) if "transfer" in said else ""
    problems += [f"#{name} can't be used here." for name in BESIDE if name in said]
    for name in ("close", "note"):
        if said.get(name):
            problems.append(
                f"#{name} stands alone on its line; write what follows it on the lines below."
            )
    body = _unescaped(rest)
    if "note" in said and not body:
        problems.append("#note needs a text below it.")
    if not said and not body and not attachments and not problems:
        problems.append("There is no text in your answer, and no command.")
    if problems:
        return Refused(tuple(problems))
    return _order(said, queue, body, then, attachments)


def parse_duration(text: str) -> timedelta:
    """``30m``, ``2h``, ``3d``, ``1w``, ``1d 4h``. Raises ValueError that says what is right."""
    how = "write 30m, 2h, 3d, 1w or 1d 4h"
    if not text.strip():
        raise ValueError(f"there is no time; {how}")
    if len(text) > 200 or not _DURATION.fullmatch(text.strip()):
        raise ValueError(f"{text.strip()[:40]!r} is no time; {how}")
    total, units = timedelta(), []
    for number, word in _PART.findall(text):
        unit = _WORDS.get(word.lower())
        if unit is None:
            raise ValueError(f"{word[:20]!r} is no unit of time; {how}")
        units.append(unit)
        total += int(number) * _UNITS[unit]
    if len(units) != len(set(units)):
        raise ValueError(f"{text.strip()[:40]!r} names a unit twice; {how}")
    if not SHORTEST_WAIT <= total <= LONGEST_WAIT:
        raise ValueError(f"{text.strip()[:40]!r} is out of bounds: from 1m to {LONGEST_WAIT.days}d")
    return total


def show_duration(time: timedelta) -> str:
    """As ``parse_duration`` reads it, to the minute."""
    minutes = int(time.total_seconds()) // 60
    parts = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "m"))
    return " ".join(f"{number}{unit}" for number, unit in parts if number) or "0m"


def in_words(order: Order) -> str:
    """What was done, as a sentence for the receipt."""
    match order:
        case Reply(then=then):
            return f"Your answer goes to the customer{_afterwards(then)}."
        case Note(then=then):
            return f"Your note was added, the customer gets nothing{_afterwards(then)}."
        case Only(then=then):
            return f"The customer gets nothing{_afterwards(then)}."
        case Transfer(queue=queue, note=note):
            with_note = " with your note; the customer gets nothing" if note else ""
            return f"It goes to queue {queue}{with_note}."
        case _:
            assert_never(order)


def _afterwards(then: Then) -> str:
    match then:
        case Nothing():
            return ""
        case Close():
            return "; the conversation is closed"
        case Wait(time=time):
            return f"; the conversation comes back in {show_duration(time)}"
        case _:
            assert_never(then)


def _split(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Command lines at the top as name and argument, and the lines that follow them."""
    lines = text.splitlines()
    found: list[tuple[str, str]] = []
    for number, line in enumerate(lines):
        command = _command(line)
        if command is not None:
            found.append(command)
        elif line.translate(_UNSEEN).strip():
            return found, lines[number:]
    return found, []


def _command(line: str) -> tuple[str, str] | None:
    match = _COMMAND.fullmatch(line.translate(_UNSEEN).strip())
    return None if match is None else (match[1].lower(), " ".join((match[2] or "").split()))


def _misplaced(rest: Iterable[str]) -> Iterable[str]:
    for line in rest:
        command = _command(line)
        if command is not None and command[0] in COMMANDS and _as_command(*command):
            yield (
                f"{line.strip()[:40]} stands below your text: commands come first, each on a line "
                "of its own. If it is part of the text, write ## in place of #."
            )


def _as_command(name: str, argument: str) -> bool:
    """Whether a line in the text looks like a command, rather than like prose with a #."""
    words = len(argument.split())
    if name == "contact":
        return 0 < words <= 2
    if name == "optout":
        return words <= 1
    return words == 0 if name in ("close", "note") else words <= 2


def _unknown(name: str) -> str:
    near = get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
    meant = (
        f"did you mean #{near[0]}?"
        if near
        else "there are " + ", ".join(f"#{each}" for each in COMMANDS)
    )
    return f"#{name[:40]} is no command; {meant}"


def _contradictions(said: Iterable[str]) -> Iterable[str]:
    for one, other in (("close", "transfer"), ("close", "wait"), ("transfer", "wait")):
        if one in said and other in said:
            yield f"#{one} and #{other} contradict each other."


def _then(said: dict[str, str], problems: list[str]) -> Then:
    if "wait" in said:
        try:
            return Wait(parse_duration(said["wait"]))
        except ValueError as error:
            problems.append(f"#wait: {error}.")
    return Close() if "close" in said else Nothing()


def _queue(name: str, queues: tuple[str, ...], problems: list[str]) -> str:
    """The queue as it is spelt; capitals do not count where they leave no doubt."""
    if name in queues:
        return name
    alike = [each for each in queues if each.lower() == name.lower()]
    if len(alike) == 1:
        return alike[0]
    if not name:
        problems.append(f"#transfer needs the name of a queue{_such_as(queues)}.")
    else:
        lower = {each.lower(): each for each in queues}
        near = get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
        meant = f"; did you mean {lower[near[0]]}?" if near else f"{_such_as(queues)}."
        problems.append(f"There is no queue {name[:60]!r}{meant}")
    return ""


def _such_as(queues: tuple[str, ...]) -> str:
    return f"; there are {', '.join(sorted(queues)[:10])}" if queues else ""


def _unescaped(lines: Iterable[str]) -> str:
    return "\n".join(re.sub(r"^(\s*)##(?=\w)", r"\1#", line) for line in lines).strip("\n").rstrip()


def _order(said: dict[str, str], queue: str, body: str, then: Then, attachments: int) -> Order:
    if queue:
        return Transfer(queue, body)
    if "note" in said:
        return Note(body, then)
    if not body and not attachments and not isinstance(then, Nothing):
        return Only(then)
    return Reply(body, then)
