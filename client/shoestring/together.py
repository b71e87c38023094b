"""Doing several things at once, and none of them any longer once one has failed."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run coroutines at once.

    Unlike `asyncio.gather`, nothing goes on in the background after a failure.

    Args:
        work: What to run.

    Returns:
        Their results, in the same order.

    Raises:
        Exception: The first one's, when all others have ended.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
