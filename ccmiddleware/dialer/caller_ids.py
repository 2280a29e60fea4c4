"""Which of a campaign's numbers a called party sees. Pure.

Those given for an area go before those for all, and the longest beginning before shorter ones;
among those that remain each has its turn.
"""

from collections.abc import Sequence


def caller_id_for(caller_ids: Sequence[str], number: str, turn: int) -> str | None:
    """The number to show to ``number``, for the ``turn``-th call; None where none is set.

    ``caller_ids`` as the setting has them: ``+12125550100``, or ``+1305:+13055550100``.
    """
    longest = -1
    fitting: list[str] = []
    for entry in caller_ids:
        area, _, shown = entry.rpartition(":")
        if not number.startswith(area) or len(area) < longest:
            continue
        if len(area) > longest:
            longest, fitting = len(area), []
        fitting.append(shown)
    return fitting[turn % len(fitting)] if fitting else None
