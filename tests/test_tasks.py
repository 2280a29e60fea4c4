"""Long-lived tasks: ended stage by stage; one that ends by itself is a bug."""

import asyncio

import pytest

from ccmiddleware.tasks import Tasks


async def for_ever(log: list[str], name: str) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        log.append(name)


async def test_stages_are_ended_one_after_the_other() -> None:
    log: list[str] = []
    async with asyncio.TaskGroup() as group:
        tasks = Tasks(group, asyncio.Event())
        for name, stage in (("c", "last"), ("a", "first"), ("b", "links")):
            tasks.start(name, for_ever(log, name), until=stage)
        await asyncio.sleep(0)
        for stage in ("first", "links", "never used", "last"):
            await tasks.end(stage)
    assert log == ["a", "b", "c"]


async def test_a_task_that_ends_by_itself_is_a_bug() -> None:
    with pytest.raises(ExceptionGroup) as raised:
        async with asyncio.TaskGroup() as group:
            Tasks(group, asyncio.Event()).start("brief", asyncio.sleep(0))
    (error,) = raised.value.exceptions
    assert str(error) == "the task 'brief' ended by itself"


async def test_while_stopping_tasks_may_end_and_are_waited_for() -> None:
    log: list[str] = []
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        tasks = Tasks(group, stop)

        async def works_off() -> None:
            await stop.wait()
            log.append("worked off")

        tasks.start("works off", works_off(), until="nodes")
        tasks.start("hangs", for_ever(log, "cancelled"), until="hanging")
        stop.set()
        await tasks.finish("nodes", 30)
        assert log == ["worked off"]
        await tasks.finish("hanging", 0.05)
    assert log == ["worked off", "cancelled"]
