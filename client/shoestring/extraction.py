"""Running a plan: many reads in flight, each date delivered when it is complete."""

import asyncio
import functools
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from shoestring import mask
from shoestring.mask import Flags, Pixels
from shoestring.plan import Plan, PlannedDate
from shoestring.reader import Reader
from shoestring.sparing import Sight
from shoestring.stack import Dates, Layer, Stack
from shoestring.together import together
from shoestring.workers import Workers
from shoestring_schema.moment import Moment

IN_FLIGHT = 8 * 2**20
"""Bytes of blocks that are fetched at once: many times what is on its way on any line."""


Load = tuple[int, int]
"""Reads, and bytes of blocks."""


@dataclass(frozen=True, slots=True, eq=False)
class DateResult:
    """All layers of one moment.

    Attributes:
        moment: When.
        layers: The layers; none where the date was left out.
        clear: Share of the ROI's pixels that are clear and hold data; None if not asked.
    """

    moment: Moment
    layers: tuple[Layer, ...]
    clear: float | None


async def run(
    plan: Plan, reader: Reader, *, workers: Workers, in_flight: int
) -> AsyncGenerator[DateResult]:
    """Read a plan's dates and yield each as soon as it is complete.

    When the iterator is closed or its task is cancelled, no further read is begun.

    Args:
        plan: What to read.
        reader: What reads.
        workers: Threads that mask and scale what was read.
        in_flight: How many reads to keep going.

    Raises:
        TransferError: Bytes did not arrive.
        CatalogueError: A file is not what the catalogue says.
    """
    sight = Sight(plan) if plan.wish.filters else None
    waiting = deque(plan.dates)
    running: dict[asyncio.Task[DateResult], Load] = {}
    try:
        while waiting or running:
            while waiting and _has_room(running.values(), in_flight):
                date = waiting.popleft()
                work = _read_date(date, plan, sight, reader, workers)
                running[asyncio.create_task(work)] = _load(date)
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                del running[task]
                yield task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _load(date: PlannedDate) -> Load:
    return len(date.every), sum(read.fetched_bytes for read in date.every)


def _has_room(running: Collection[Load], in_flight: int) -> bool:
    """Whether one more date may be begun: enough to keep the line busy, and memory bounded."""
    reads, fetched = sum(load[0] for load in running), sum(load[1] for load in running)
    return not running or (reads < 2 * in_flight and fetched < IN_FLIGHT)


async def collect(
    plan: Plan,
    reader: Reader,
    *,
    workers: Workers,
    in_flight: int,
    on_date: Callable[[], object],
) -> Stack:
    """Run a plan to its end.

    Args:
        plan: What to read.
        reader: What reads.
        workers: Threads that mask and scale what was read.
        in_flight: How many reads to keep going.
        on_date: Called after each date, for a progress bar.
    """
    results: dict[Moment, DateResult] = {}
    async with aclosing(run(plan, reader, workers=workers, in_flight=in_flight)) as dates:
        async for result in dates:
            results[result.moment] = result
            on_date()
    return _stack(plan, results)


def _stack(plan: Plan, results: Mapping[Moment, DateResult]) -> Stack:
    in_order = [results[moment] for moment in sorted(results)]
    layers = {band: Dates() for band in plan.bands}
    for result in in_order:
        for layer in result.layers:
            layers[layer.band][layer.date] = layer.pixels
    clear = {result.moment: result.clear for result in in_order if result.clear is not None}
    kept = {result.moment for result in in_order if result.layers}
    return Stack(
        collection=plan.collection,
        grid=plan.roi.grid.crop(plan.roi.window),
        layers=layers,
        info=plan.bands,
        wish=plan.wish,
        clear={moment: share for moment, share in clear.items() if moment in kept},
        left_out={moment: share for moment, share in clear.items() if moment not in kept},
    )


async def _read_date(
    date: PlannedDate, plan: Plan, sight: Sight | None, reader: Reader, workers: Workers
) -> DateResult:
    if date.hopeless:
        return DateResult(date.moment, (), 0.0)
    reads = date.every
    pixels = await together(reader.read(read) for read in reads)
    arrays = {id(read): found for read, found in zip(reads, pixels, strict=True)}
    if sight is None and not plan.wish.scaled:
        return _finish(date, plan, arrays, None)
    return await workers.run(functools.partial(_finish, date, plan, arrays, sight))


def _finish(
    date: PlannedDate, plan: Plan, arrays: Mapping[int, Pixels], sight: Sight | None
) -> DateResult:
    """From stored pixels to what was wished for."""
    stored = {name: arrays[id(read)] for name, read in date.reads.items()}
    if sight is None:
        return DateResult(date.moment, _layers(date, plan, stored, None, None), None)
    counts = sight.region & _clear(date, sight, arrays)
    valid = {
        name: counts & mask.has_data(pixels, plan.bands[name].nodata)
        for name, pixels in stored.items()
    }
    clear = float(functools.reduce(np.logical_or, valid.values()).sum() / sight.region.sum())
    if plan.wish.leaves_out(clear):
        return DateResult(date.moment, (), clear)
    return DateResult(date.moment, _layers(date, plan, stored, valid, clear), clear)


def _clear(date: PlannedDate, sight: Sight, arrays: Mapping[int, Pixels]) -> Flags:
    """Where the mask says clear. A date whose mask is missing is not known to be clear anywhere."""
    plan = sight.plan
    if plan.rule is None or plan.mask_band is None:
        return np.ones(plan.roi.window.shape, bool)
    if date.mask is None:
        return np.zeros(plan.roi.window.shape, bool)
    said = mask.is_clear(arrays[id(date.mask)], plan.rule, plan.mask_band)
    if date.mask.file.pieces is None:
        return said
    known = sight.clarity(date)  # where it is known, the mask may not have been read
    return (said & ~known.unclear) | known.clear


def _layers(
    date: PlannedDate,
    plan: Plan,
    stored: Mapping[str, Pixels],
    valid: Mapping[str, Flags] | None,
    clear: float | None,
) -> tuple[Layer, ...]:
    layers = []
    for name, pixels in stored.items():
        values: Pixels = mask.scaled(pixels, plan.bands[name]) if plan.wish.scaled else pixels
        if plan.wish.masked and valid is not None:
            values = mask.masked(values, valid[name])
        layers.append(Layer(date.moment, name, values, clear))
    return tuple(layers)
