"""No lead called twice, no attempt without its end, while the daemon is killed. Short form.

The long one, with 1,000 leads and 50 kills: see CONTRIBUTING, chaos.
"""

from pathlib import Path

import pytest
from chaos.campaign import Wanted, run
from lab.root import Servers

pytestmark = [pytest.mark.lab, pytest.mark.asyncio]


async def test_nobody_is_called_twice(lab_servers: Servers, tmp_path: Path) -> None:
    wanted = Wanted(seed=1, leads=60, kills=4, agents=4, limit=300)
    found = await run(wanted, lab_servers, tmp_path, print)
    assert found.problems == []
    assert (found.attempts, found.permits, found.kills) == (60, 60, 4)
    assert found.calls + found.not_called == 60
