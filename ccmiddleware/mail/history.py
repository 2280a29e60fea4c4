"""What the sender wrote now, split from signature and quoted history. Nothing is thrown away.

Where an answer stands under or between the lines that it answers, the lines between stay with it,
for it can't be understood without them.
"""

from dataclasses import dataclass

from ccmiddleware.mail import history_words as words
from ccmiddleware.mail.html import HISTORY_MARK

MAX_INTRODUCTION = 4
"""Lines that ``On … wrote:`` may be folded over."""
_LONGEST_LINE = 400
"""Longer lines are text, not introductions; so no pattern is tried on them."""


@dataclass(frozen=True, slots=True)
class Split:
    """The three parts of a text; joined they are the whole, but for empty lines at their ends."""

    text: str
    signature: str = ""
    quoted: str = ""


def split(body: str) -> Split:
    """Split a text with ``\\n`` line ends."""
    lines = body.split("\n")
    end = _history_begins(lines)
    own, quoted = lines[:end], [line for line in lines[end:] if line != HISTORY_MARK]
    own, quoted = _without_quotes(own, quoted)
    own, signature = _without_signature(own)
    return Split(_text(own), _text(signature), _text(quoted))


def _text(lines: list[str]) -> str:
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def _history_begins(lines: list[str]) -> int:
    """The line with which a history begins that reaches to the end: a block without ``>``."""
    for index, line in enumerate(lines):
        if len(line) <= _LONGEST_LINE and _begins_here(lines, index):
            return _back_over_rule(lines, index)
    return len(lines)


def _begins_here(lines: list[str], index: int) -> bool:
    line = lines[index]
    if not line or line[0] == ">":
        return False
    if line == HISTORY_MARK or words.SEPARATOR.match(line) or words.REPLY_LINE.match(line):
        return True
    if words.APPLE_FORWARD.match(line):
        return True
    if words.FROM.match(line):
        return _is_header_block(lines, index)
    if words.BEGINS.match(line):
        end = _introduction_ends(lines, index)
        return end is not None and not _quote_follows(lines, end)
    return False


def _is_header_block(lines: list[str], index: int) -> bool:
    """``From:`` and at least two of Sent, To, Subject in the next lines."""
    following = [line for line in lines[index + 1 : index + 12] if line.strip()][:7]
    others = sum(1 for line in following if len(line) <= 2000 and words.OTHER.match(line[:400]))
    return others >= 2


def _introduction_ends(lines: list[str], index: int) -> int | None:
    """The last line of an ``On … wrote:`` that begins at ``index``, or None."""
    joined = ""
    for end in range(index, min(index + MAX_INTRODUCTION, len(lines))):
        line = lines[end].strip()
        if not line or len(line) > _LONGEST_LINE:
            return None
        joined = f"{joined} {line}"
        if words.WROTE.search(joined) and _tells_who_or_when(joined):
            return end
    return None


def _tells_who_or_when(line: str) -> bool:
    return "@" in line or sum(character.isdigit() for character in line) >= 3


def _quote_follows(lines: list[str], index: int) -> bool:
    following = next((line for line in lines[index + 1 : index + 4] if line.strip()), "")
    return following.startswith(">")


def _back_over_rule(lines: list[str], index: int) -> int:
    """Outlook draws a line above its header block; Gmail puts nothing there."""
    before = index
    while before > 0 and not lines[before - 1].strip():
        before -= 1
    if before > 0 and (words.RULE.match(lines[before - 1]) or lines[before - 1] == HISTORY_MARK):
        return before - 1
    return index


def _without_quotes(own: list[str], quoted: list[str]) -> tuple[list[str], list[str]]:
    """Take quoted lines off the end; off the beginning, if all the own text comes after them."""
    blocks = _quote_blocks(own)
    if not blocks:
        return own, quoted
    start, end = blocks[-1]
    if not _own_text(own[end:]):
        start = _introduction_begins(own, start)
        own, quoted = own[:start] + own[end:], own[start:end] + quoted
        blocks = blocks[:-1]
    if len(blocks) == 1 and not _own_text(own[: _introduction_begins(own, blocks[0][0])]):
        start, end = blocks[0]
        own, quoted = own[end:], own[:end] + quoted
    return own, quoted


def _own_text(lines: list[str]) -> bool:
    """Whether a person wrote something there; a signature under a quote is not an answer."""
    text, _ = _without_signature(lines)
    return any(line.strip() for line in text)


def _quote_blocks(lines: list[str]) -> list[tuple[int, int]]:
    """Runs of quoted lines; empty lines, and the end of a line that was folded, don't end one."""
    blocks: list[tuple[int, int]] = []
    for index, line in enumerate(lines):
        if not line.startswith((">", "|")) or line.startswith(">From "):
            continue
        if blocks and not any(text.strip() for text in lines[blocks[-1][1] : index]):
            blocks[-1] = (blocks[-1][0], index + 1)
        else:
            blocks.append((index, index + 1))
    return blocks


def _introduction_begins(lines: list[str], quote: int) -> int:
    """Where the ``… wrote:`` before a quote begins; the quote itself if there is none."""
    last = quote - 1
    while last >= 0 and not lines[last].strip():
        last -= 1
    if last < 0 or not lines[last].rstrip().endswith((":", ":*")):
        return quote
    joined = ""
    for start in range(last, max(-1, last - MAX_INTRODUCTION), -1):
        line = lines[start].strip()
        if not line or len(line) > _LONGEST_LINE or line.startswith(">"):
            break
        joined = f"{line} {joined}"
        known = words.WROTE.search(joined.rstrip()) and _tells_who_or_when(joined)
        if known and (words.BEGINS.match(line) or _tells_who_or_when(line)):
            return _further_back(lines, start)
    return last if _tells_who_or_when(lines[last]) else quote


def _further_back(lines: list[str], start: int) -> int:
    """The lines above, if the introduction really begins there (a date on a line of its own)."""
    if words.BEGINS.match(lines[start]):
        return start
    for before in range(start - 1, max(-1, start - MAX_INTRODUCTION), -1):
        if not lines[before].strip():
            break
        if words.BEGINS.match(lines[before]):
            return before
    return start


def _without_signature(lines: list[str]) -> tuple[list[str], list[str]]:
    """Split at ``-- ``, or before a phone's footer at the end."""
    for index, line in enumerate(lines):
        if line in ("-- ", "--", "--\xa0", "\u2014 "):
            return lines[:index], lines[index:]
    last = len(lines)
    for _ in range(3):
        line_at = _last_written(lines, last)
        if line_at is None or not words.PHONE.match(lines[line_at][:_LONGEST_LINE]):
            break
        last = line_at
    return lines[:last], lines[last:]


def _last_written(lines: list[str], end: int) -> int | None:
    for index in range(end - 1, -1, -1):
        if lines[index].strip():
            return index
    return None
