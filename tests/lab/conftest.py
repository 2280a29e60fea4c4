"""The lab for tests: real servers, started once for each module that wants them.

A lab that can't start is a failure, never a skip.
"""

import sys

import pytest
from lab.root import Servers, servers

# Their assertions are as telling as those of tests.
pytest.register_assert_rewrite("outage_site")


TIMEOUT = 600
"""Least seconds for a lab test and the servers it starts: only one that hangs needs so long."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real servers on a machine that is busy take their time."""
    for item in items:
        own = item.get_closest_marker("timeout")
        if item.get_closest_marker("lab") and (own is None or own.args[0] < TIMEOUT):
            item.add_marker(pytest.mark.timeout(TIMEOUT))


@pytest.fixture(scope="session")
def lab_servers() -> Servers:
    """Asterisk and SIPp, built when they are missing."""
    return servers(lambda line: print(line, file=sys.stderr))
