"""Where a library is scored, and with how much of the machine."""

from dataclasses import dataclass
from typing import Literal

from molgraph.config.settings import checked_settings, require_choices
from molgraph.config.short_repr import short_repr
from molgraph.config.training import Device, Precision
from molgraph.errors import InputError
from molgraph.parallel.cpu import processes_within

#: Who shares the work: processes of this machine, or the cores of a Ray cluster.
Engine = Literal["local", "ray"]


@checked_settings
@dataclass(frozen=True)
class ComputeConfig:
    """Where a library is scored, and with how much of the machine; scores do not depend on it, but for the precision.

    A model that is loaded already keeps its device and precision, and scores in this process alone.

    Attributes:
        device: Where to compute; `auto` takes a CUDA device if there is one.
        precision: Number format of the products; `auto` takes bfloat16 where the processor is fast at it.
        processes: Processes that share the work; None for one a core, eight at most.
        memory: Gigabytes that these may take together, about; fewer of them work where it is short. None for as much as
            it takes, which does not depend on the size of the library.
        engine: `local` processes, or `ray`: the cores of a Ray cluster.
        address: Of the Ray cluster, `auto` for the one on this machine; None starts one.

    Raises:
        InputError: A value is not allowed, or two do not go together.

    >>> ComputeConfig(processes=8, memory=1.5).processes_that_fit
    2
    """

    device: Device = "auto"
    precision: Precision = "auto"
    processes: int | None = 1
    memory: float | None = None
    engine: Engine = "local"
    address: str | None = None

    def __repr__(self) -> str:
        return short_repr(self)

    def __post_init__(self) -> None:
        require_choices(self)
        if self.processes is not None and self.processes < 1:
            raise InputError(f"processes is {self.processes}; it must be 1 or more")
        processes_within(self.memory, self.processes)
        if self.address is not None and self.engine != "ray":
            raise InputError(f"address is {self.address!r}, of a Ray cluster; it needs the engine 'ray'")

    @property
    def processes_that_fit(self) -> int | None:
        """`processes`, or as many fewer as fit into the memory."""
        return processes_within(self.memory, self.processes)
