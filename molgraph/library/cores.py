"""How many processes use this machine well."""

import os


def default_processes() -> int:
    """Processes that use this machine well: one for each core that this process may use, eight at most."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 8)
