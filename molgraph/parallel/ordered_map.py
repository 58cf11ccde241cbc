"""Parallel map over worker processes, in the order of the input and with a bounded number of pending items."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future
from typing import TypeVar

from molgraph.errors import WorkerError
from molgraph.parallel.process_pool import WorkerPool

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Pending items for each process.
_PENDING = 4


def map_in_order(work: Callable[[Item], Result], items: Iterable[Item], processes: int) -> Iterator[Result]:
    """`work(item)` for each item, in order; in worker processes if there is more than one.

    Args:
        work: A function that can be pickled.
        items: Read a few ahead of the results.
        processes: Worker processes; 1 for none.

    Raises:
        WorkerError: A worker process died.
    """
    if processes == 1:
        yield from map(work, items)
        return
    with WorkerPool(processes) as pool:
        try:
            pending: deque[Future[Result]] = deque()
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) >= _PENDING * processes:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except BrokenExecutor as error:
            raise WorkerError(
                "a worker process died, perhaps for lack of memory; use `processes=1`, or fewer structures"
            ) from error
        except BaseException:  # also an interrupt, or a consumer that stops early
            pool.kill()
            raise
