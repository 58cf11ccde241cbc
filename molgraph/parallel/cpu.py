"""Usable cores, and the number of processes that fits them and the memory."""

import os

from molgraph.errors import InputError

#: Gigabytes that the main process of a screen takes at most, with the default hit list, a model of 5 members, and the
#: hashes of the library's structures; and what each worker process takes (measured with the panel, the largest of all:
#: 0.53).
MAIN_MEMORY_GB, WORKER_MEMORY_GB = 0.8, 0.55


def usable_cores() -> int:
    """Cores that this process may use: all, or those that a job manager assigned to it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_processes() -> int:
    """Default number of processes: one for each core that this process may use, eight at most."""
    return min(usable_cores(), 8)


def processes_within(memory_gb: float | None, processes: int | None) -> int | None:
    """The number of processes that fit into the memory, at most `processes`.

    Args:
        memory_gb: Gigabytes; None for no limit.
        processes: The number asked for; None for one a core.

    Raises:
        InputError: Not even one fits.

    >>> processes_within(1.5, 8), processes_within(None, None)
    (2, None)
    """
    if memory_gb is None:
        return processes
    if not memory_gb >= MAIN_MEMORY_GB:
        raise InputError(f"memory is {memory_gb:g} GB; one process alone may take {MAIN_MEMORY_GB:g} GB")
    wanted = processes or default_processes()
    return min(wanted, 1 + int((memory_gb - MAIN_MEMORY_GB + 1e-9) / WORKER_MEMORY_GB))
