"""A short chaos: every kind of fault twice, and nothing is lost, doubled or different.

The long form is run by hand; see CONTRIBUTING.md. Its pure parts are tested in
``test_chaos_account``.
"""

from pathlib import Path

import pytest
from chaos import plan, report
from chaos.run import Wanted, run
from lab.root import Servers

pytestmark = pytest.mark.lab


async def test_a_minute_of_chaos_loses_nothing(lab_servers: Servers, tmp_path: Path) -> None:
    # Recordings that a killed Asterisk did not finish are given up after a minute: not awaited.
    wanted = Wanted(
        seed=3, calls=60, faults=2, daemons=2, limit=150, recordings=False, pace=0.5, pause=3
    )
    outcome = await run(wanted, lab_servers, tmp_path, print)
    print(report.text(outcome))
    assert outcome.problems() == {kind: [] for kind in outcome.problems()}
    assert {done.kind for done in outcome.faults} == set(plan.KINDS)
    assert outcome.in_queue_log >= wanted.calls
    # What can't be compared are the calls that were on when Asterisk was killed, and no more.
    assert outcome.deaths == wanted.faults
    assert outcome.account.cut.total() <= wanted.faults * plan.MOST_AT_ONCE
