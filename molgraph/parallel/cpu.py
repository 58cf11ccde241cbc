"""How many cores there are, and how many processes use them well."""

import os

from molgraph.errors import InputError

#: Gigabytes that the main process of a screen takes at most, with the default hit list and a model of 5 members, and
#: with the structures of the library that it remembers; and what each of its helpers takes of its own (measured with
#: the panel, the largest of all: 0.53).
MAIN_MEMORY_GB, HELPER_MEMORY_GB = 0.8, 0.55


def usable_cores() -> int:
    """Cores that this process may use: all, or those that a job manager left it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_processes() -> int:
    """Processes that use this machine well: one for each core that this process may use, eight at most."""
    return min(usable_cores(), 8)


def processes_within(memory_gb: float | None, processes: int | None) -> int | None:
    """So many processes, or as many fewer as fit into the memory.

    Args:
        memory_gb: Gigabytes; None for as much as it takes.
        processes: That are wanted; None for one a core.

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
    return min(wanted, 1 + int((memory_gb - MAIN_MEMORY_GB + 1e-9) / HELPER_MEMORY_GB))
