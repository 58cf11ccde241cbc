"""Work shared by processes, with its results in the order of the input and a bounded number of them under way."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future
from typing import TypeVar

from molgraph.errors import WorkerError
from molgraph.parallel.process_pool import HelperPool

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Items under way for each process.
_AHEAD = 4


def map_in_order(work: Callable[[Item], Result], items: Iterable[Item], processes: int) -> Iterator[Result]:
    """`work` of each item, in order; helpers do it if there is more than one process.

    Args:
        work: A function that can be sent to another process.
        items: Taken a few ahead of what has been done.
        processes: Helpers; 1 for none.

    Raises:
        WorkerError: A helper died.
    """
    if processes == 1:
        yield from map(work, items)
        return
    with HelperPool(processes) as pool:
        try:
            waiting: deque[Future[Result]] = deque()
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= _AHEAD * processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenExecutor as error:
            raise WorkerError(
                "a helper process died, perhaps for want of memory; use `processes=1`, or fewer structures"
            ) from error
        except BaseException:  # also an interrupt, or a reader that wants no more
            pool.kill()
            raise
