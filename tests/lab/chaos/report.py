"""The account of a run, for people and as JSON."""

import json
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from chaos.plan import KINDS
from chaos.run import Outcome

SHOWN = 20
"""Problems of one kind that are printed for people; JSON has all."""


def text(outcome: Outcome) -> str:
    """The tables, and each problem."""
    account, wanted = outcome.account, outcome.wanted
    lines = [
        f"ran against Asterisk {outcome.asterisk} with {wanted.daemons} daemon(s) of ccmiddleware "
        f"{outcome.version}, seed {wanted.seed}, in {outcome.seconds:.0f} s",
        "",
        *_table(("fault", "how", "done", "shortest s", "median s", "longest s"), _faults(outcome)),
        "",
        f"calls: {outcome.dialled} dialled, {outcome.in_queue_log} in queue_log, "
        f"{account.observed} seen whole, {account.inferred} with inferred parts",
        *_table(("outcome", "calls"), sorted(account.outcomes.items())),
        "",
        f"of them alive at one of {outcome.deaths} ends of Asterisk, and not to be compared:",
        *(f"  {count} {kind}" for kind, count in sorted(account.cut.items())),
        "",
        f"recordings: {_states(outcome)}; late facts set aside: {outcome.stored.late}",
        "",
    ]
    for kind, found in outcome.problems().items():
        lines.append(f"{kind}: {len(found) or 'none'}")
        lines += [f"  {one}" for one in found[:SHOWN]]
    return "\n".join(lines)


def as_json(outcome: Outcome) -> str:
    """All of it as one object."""
    account, wanted = outcome.account, outcome.wanted
    value: dict[str, Any] = {
        "seed": wanted.seed,
        "asterisk": outcome.asterisk,
        "ccmiddleware": outcome.version,
        "daemons": wanted.daemons,
        "seconds": round(outcome.seconds, 1),
        "faults": [vars(done) for done in outcome.faults],
        "calls": {
            "dialled": outcome.dialled,
            "in_queue_log": outcome.in_queue_log,
            "by_outcome": account.outcomes,
            "by_plan": outcome.fates,
            "observed": account.observed,
            "inferred": account.inferred,
            "not_comparable": account.cut,
        },
        "recordings": _states(outcome),
        "late_facts": outcome.stored.late,
        "warnings": outcome.said,
        "problems": outcome.problems(),
        "well": outcome.well,
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def _faults(outcome: Outcome) -> list[Sequence[object]]:
    rows: list[Sequence[object]] = []
    for kind in KINDS:
        for how in sorted({done.how for done in outcome.faults if done.kind == kind}):
            took = [done.seconds for done in outcome.faults if (done.kind, done.how) == (kind, how)]
            figures = (min(took), statistics.median(took), max(took))
            rows.append((kind, how, len(took), *(f"{one:.1f}" for one in figures)))
    return rows


def _states(outcome: Outcome) -> str:
    states = [row["state"] for row in outcome.stored.recordings]
    return ", ".join(f"{states.count(one)} {one}" for one in sorted(set(states))) or "none"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    cells = [list(map(str, row)) for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
