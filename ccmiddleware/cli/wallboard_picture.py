"""What the wallboard shows, from rows to lines of a given width and height. Pure.

Nothing that comes from outside reaches a line but as plain text. What is not current (a node whose
link is down or that no daemon leads, a database that is away) is never drawn as if it were.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from rich.cells import cell_len, set_cell_size

from ccmiddleware.cli.when import show_span
from ccmiddleware.plaintext import plain

Row = Mapping[str, Any]
Style = Literal["", "bold", "dim", "red", "bold red", "yellow", "green", "cyan", "magenta"]

FORMULA = "service level: answered within T / (answered + abandoned), today; T as set for the queue"
FIRST_STATES = (
    "ringing", "talking", "wrap_up", "working", "busy", "idle", "paused", "unavailable",
)  # fmt: skip
STATE_STYLES: dict[str, Style] = {
    "ringing": "yellow",
    "talking": "cyan",
    "wrap_up": "magenta",
    "working": "cyan",
    "idle": "green",
    "paused": "dim",
    "unavailable": "red",
}
GAP = 2
LONGEST_NAME = 24
SHORTEST_NAME = 14
"""Columns go before names are cut below this."""
FEWEST_ROWS = 3
"""Rows that queues keep when there is not room for all."""


class Part(NamedTuple):
    """Some text in one style."""

    text: str
    style: Style = ""


Line = list[Part]


@dataclass(frozen=True)
class Thresholds:
    """From where on something is a warning, and an alarm. Waits in seconds, levels in percent."""

    wait_warn: float = 30
    wait_alarm: float = 60
    level_warn: float = 80
    level_alarm: float = 60

    def of_wait(self, seconds: float | None) -> int:
        """0 fine, 1 warning, 2 alarm."""
        if seconds is None:
            return 0
        return 2 if seconds >= self.wait_alarm else 1 if seconds >= self.wait_warn else 0

    def of_level(self, rate: float | None) -> int:
        """The same for a service level, a rate between 0 and 1."""
        if rate is None:
            return 0
        percent = rate * 100
        return 2 if percent < self.level_alarm else 1 if percent < self.level_warn else 0


@dataclass(frozen=True)
class Board:
    """All that is shown. ``trouble`` says why it is not current and since when; "" if it is."""

    clock: str
    nodes: Sequence[Row] = ()
    queues: Sequence[Row] = ()
    agents: Sequence[Row] = ()
    trouble: str = ""
    thresholds: Thresholds = field(default_factory=Thresholds)


def board_rows(
    now: Sequence[Row], today: Mapping[Any, Row], agents: Sequence[Row]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Nodes, queues and agents, as they are shown, from the rows of the database."""
    nodes: dict[str, dict[str, Any]] = {}
    queues = []
    for row in now:
        node = {key: row[key] for key in ("node", "link", "link_since", "link_reason", "led")}
        nodes[row["node"]] = node | {"stale": stale_because(row)}
        if row["queue"] is None:
            continue
        counts = today.get(row["queue_id"], {})
        ended = counts.get("answered", 0) + counts.get("abandoned", 0)
        left_out = ("queue_id", "link", "link_since", "link_reason", "led")
        queues.append(
            {key: value for key, value in row.items() if key not in left_out}
            | {key: counts.get(key, 0) for key in ("offered", "answered", "abandoned")}
            | {
                "service_level_rate": counts["answered_within"] / ended if ended else None,
                "stale": bool(nodes[row["node"]]["stale"]),
            }
        )
    shown = [
        dict(row) | {"stale": bool(nodes.get(row["node"], {}).get("stale", True))} for row in agents
    ]
    return list(nodes.values()), queues, shown


def stale_because(node: Row) -> str:
    """Why what is known of a node is not current; "" when it is."""
    if not node["led"]:
        return "no daemon leads it"
    if node["link"] != "up":
        reason = f": {node['link_reason']}" if node["link_reason"] else ""
        return f"link {'never up' if node['link'] == 'never' else node['link']}{reason}"
    return ""


# -- drawing ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Column:
    """A column of a table. ``rank``: which go first where the width is short; 0 never."""

    title: str
    rank: int
    right: bool = True


@dataclass(frozen=True)
class _Cell:
    text: str
    style: Style = ""


def picture(board: Board, width: int, height: int | None = None) -> list[Line]:
    """The lines, none wider than ``width`` and no more than ``height``."""
    lines = _head(board)
    queues, agents = _queues(board, width), _agents(board, width)
    foot: list[Line] = [[Part(FORMULA, "dim")]]
    if height is not None:
        room = height - len(lines) - len(foot) - 2
        if room < 2 * FEWEST_ROWS:
            foot, room = [], room + len(foot)
        queues, agents = _shared(queues, agents, room)
    lines += [[], *queues, [], *agents, *foot]
    return [bounded(line, width) for line in lines[:height]]


def text_of(lines: Sequence[Line]) -> str:
    """The lines without styles."""
    return "\n".join("".join(part.text for part in line).rstrip() for line in lines)


def _shared(queues: list[Line], agents: list[Line], room: int) -> tuple[list[Line], list[Line]]:
    """Both tables in ``room`` lines: the agents get what the queues leave, but half of it."""
    for_queues = min(len(queues), max(FEWEST_ROWS + 1, room - len(agents), room // 2))
    return _clipped(queues, for_queues), _clipped(agents, max(0, room - for_queues))


def _clipped(lines: list[Line], room: int) -> list[Line]:
    if len(lines) <= room:
        return lines
    if room <= 1:
        return lines[:0]
    more = len(lines) - room + 1
    return [*lines[: room - 1], [Part(f"and {more} more", "dim")]]


def _head(board: Board) -> list[Line]:
    lines: list[Line] = [[Part(f"Wallboard  {board.clock}", "bold")]]
    if board.trouble:
        lines.append([Part(f"NOT CURRENT {plain(board.trouble)}", "bold red")])
    fine = [plain(str(node["node"])) for node in board.nodes if not node["stale"]]
    for node in board.nodes:
        if node["stale"]:
            words = f"{plain(str(node['node']))}: STALE, {plain(str(node['stale']))}"
            lines.append([Part(words, "bold red")])
    if fine:
        style: Style = "red" if board.trouble else "green"
        word = "last known up" if board.trouble else "up"
        lines.append([Part(f"{', '.join(fine)}: {word}", style)])
    if not board.nodes:
        lines.append([Part("no node fits; see ccm status", "yellow")])
    return lines


def _several(board: Board) -> bool:
    return len(board.nodes) > 1


def _emails(board: Board) -> bool:
    return any(row["emails_waiting"] or row["working"] for row in board.queues)


def _queues(board: Board, width: int) -> list[Line]:
    columns = [
        _Column("QUEUE", 0, right=False),
        *([_Column("NODE", 5, right=False)] if _several(board) else []),
        _Column("WAIT", 0),
        _Column("LONGEST", 1),
        *([_Column("MAIL", 4)] if _emails(board) else []),
        _Column("IDLE", 2),
        _Column("TALK", 3),
        _Column("RING", 8),
        _Column("WRAP", 9),
        *([_Column("WORK", 5)] if _emails(board) else []),
        _Column("PAUSE", 6),
        _Column("CALLS", 7),
        _Column("ANSW", 10),
        _Column("ABAND", 4),
        _Column("LEVEL", 3),
    ]
    ranked = sorted(board.queues, key=lambda row: _trouble(row, board.thresholds))
    rows = [_queue(row, board) for row in ranked]
    if not rows:
        return [[Part("no queue fits; see ccm queue list", "dim")]]
    return _table(columns, rows, width)


def severity(row: Row, thresholds: Thresholds) -> int:
    """How bad it is with a queue: 0 fine, 1 warning, 2 alarm, 3 not known (stale)."""
    if row["stale"]:
        return 3
    there = sum(row[key] for key in ("idle", "talking", "ringing", "wrap_up", "working"))
    nobody = 2 if row["waiting"] and not there else 0
    return max(
        nobody,
        thresholds.of_wait(row["longest_wait_seconds"]),
        thresholds.of_level(row["service_level_rate"]),
    )


def _trouble(row: Row, thresholds: Thresholds) -> tuple[Any, ...]:
    longest = float(row["longest_wait_seconds"] or 0)
    return (
        -severity(row, thresholds), -longest, -row["waiting"], row["queue"], row["node"],
    )  # fmt: skip


LEVELS: tuple[Style, Style, Style] = ("", "yellow", "bold red")


def _queue(row: Row, board: Board) -> list[_Cell]:
    stale = row["stale"] or bool(board.trouble)
    thresholds = board.thresholds
    rate, longest = row["service_level_rate"], row["longest_wait_seconds"]
    how = severity(row, thresholds)

    def cell(value: object, level: int = 0) -> _Cell:
        return _Cell(plain(str(value)), "red" if stale else LEVELS[level])

    def count(key: str) -> _Cell:
        return cell(row[key] or "-")

    nobody = 2 if row["waiting"] and how == 2 else 0
    waits = max(thresholds.of_wait(longest), nobody)
    return [
        cell(row["queue"], min(how, 2)),
        *([cell(row["node"])] if _several(board) else []),
        cell(row["waiting"] or "-", waits),
        cell("-" if longest is None else show_span(float(longest)), thresholds.of_wait(longest)),
        *([count("emails_waiting")] if _emails(board) else []),
        cell(row["idle"] or "-", nobody if not row["idle"] else 0),
        *map(count, ("talking", "ringing", "wrap_up")),
        *([count("working")] if _emails(board) else []),
        *map(count, ("paused", "offered", "answered")),
        count("abandoned"),
        cell("-" if rate is None else f"{float(rate):.0%}", thresholds.of_level(rate)),
    ]


def _agents(board: Board, width: int) -> list[Line]:
    columns = [
        _Column("AGENT", 0, right=False),
        *([_Column("NODE", 5, right=False)] if _several(board) else []),
        _Column("STATE", 0, right=False),
        _Column("FOR", 1),
        _Column("QUEUE", 2, right=False),
        _Column("CUSTOMER", 3, right=False),
        _Column("REASON", 4, right=False),
    ]
    if not board.agents:
        return [[Part("no agent is logged in", "dim")]]
    ranked = sorted(board.agents, key=_agent_order)
    return _table(columns, [_agent(row, board) for row in ranked], width)


def _agent_order(row: Row) -> tuple[Any, ...]:
    known = row["state"] in FIRST_STATES
    place = FIRST_STATES.index(row["state"]) if known else len(FIRST_STATES)
    return (place, -float(row["seconds"] or 0), row["agent"], row["interface"])


def _agent(row: Row, board: Board) -> list[_Cell]:
    stale = row["stale"] or bool(board.trouble)
    style: Style = "red" if stale else STATE_STYLES.get(row["state"], "")
    quiet: Style = "red" if stale else ""
    return [
        _Cell(plain(str(row["agent"])), quiet),
        *([_Cell(plain(str(row["node"])), quiet)] if _several(board) else []),
        _Cell(plain(str(row["state"])).replace("_", "-"), style),
        _Cell(show_span(float(row["seconds"] or 0)), quiet),
        *(_Cell(plain(str(row[key] or "")), quiet) for key in ("queue", "customer", "reason")),
    ]


def _table(columns: list[_Column], rows: list[list[_Cell]], width: int) -> list[Line]:
    """A heading and the rows, without the columns for which there is no room."""
    widths = []
    for at, column in enumerate(columns):
        longest = max(cell_len(column.title), *(cell_len(row[at].text) for row in rows))
        widths.append(longest if column.right else min(longest, LONGEST_NAME))
    kept = list(range(len(columns)))
    least = [min(widths[0], SHORTEST_NAME), *widths[1:]]
    while _sum(least, kept) > width and any(columns[at].rank for at in kept):
        kept.remove(max(kept, key=lambda at: columns[at].rank))
    over = _sum(widths, kept) - width
    if over > 0:
        widths[0] = max(1, widths[0] - over)
    head = [
        Part(_fit(columns[at].title, widths[at], columns[at].right, last=at == kept[-1]), "dim")
        for at in kept
    ]
    lines = [_spaced(head)]
    for row in rows:
        parts = [
            Part(
                _fit(row[at].text, widths[at], columns[at].right, last=at == kept[-1]),
                row[at].style,
            )
            for at in kept
        ]
        lines.append(_spaced(parts))
    return lines


def _sum(widths: Sequence[int], kept: Sequence[int]) -> int:
    return sum(widths[at] for at in kept) + GAP * (len(kept) - 1)


def _spaced(parts: Sequence[Part]) -> Line:
    line: Line = []
    for number, part in enumerate(parts):
        if number:
            line.append(Part(" " * GAP))
        line.append(part)
    return line


def bounded(line: Line, width: int) -> Line:
    """The line, cut where it is wider than the screen: which is narrower than any table then."""
    kept: Line = []
    for part in line:
        room = width - sum(cell_len(one.text) for one in kept)
        if room <= 0:
            break
        kept.append(Part(_cut(part.text, room), part.style))
    return kept


def _fit(text: str, width: int, right: bool, *, last: bool) -> str:
    text = _cut(text, width)
    pad = " " * (width - cell_len(text))
    if right:
        return pad + text
    return text if last else text + pad


def _cut(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 1 else "…"[:width]
