"""What all tests share: a database, and that no task's failure goes unseen."""

import gc
import inspect
import logging
from collections.abc import Iterator

import pytest
import structlog

pytest_plugins = ["postgres_fixture", "s3_fixture"]


def pytest_collection_finish() -> None:
    """What was collected stays until the end: no search for garbage needs to look at it again."""
    gc.collect()
    gc.freeze()


class _Complaints(logging.Handler):
    """Collects what asyncio complains of: lost exceptions, tasks destroyed while pending."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


@pytest.fixture(autouse=True)
def logs_as_at_the_start() -> None:
    """`ccm` and the daemon configure logging for their whole process; tests share one."""
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def no_task_is_lost(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test whose tasks died unseen; neither pytest nor asyncio would."""
    if not inspect.iscoroutinefunction(getattr(request.node, "function", None)):
        yield
        return
    complaints = _Complaints()
    logger = logging.getLogger("asyncio")
    logger.addHandler(complaints)
    try:
        yield
        gc.collect()
    finally:
        logger.removeHandler(complaints)
    assert complaints.heard == []
