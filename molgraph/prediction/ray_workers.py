"""Worker processes of a screen that run on a Ray cluster, one for each of its cores.

The process that screens reads the library, ranks and writes the checkpoint, as it does without Ray; the cluster parses
and predicts. So the same files come out. A task of Ray is a batch: if the node that works on it dies, Ray gives it to
another one. Tasks and not actors, because nothing but the model has to be remembered between two batches, and a worker
process keeps that by itself; a task needs no care when its process is gone. Ray Data would read and write the library
as well, in an order of its own; but rows have to be ranked, and repeats found, in the order of the library.

The models travel with the work, so a node needs molgraph but no access to their folders.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from molgraph.errors import InputError, ModelError
from molgraph.prediction.panel import Panel
from molgraph.prediction.parallel_predict import ModelSource, Work, Workers, predict_batch, predicted
from molgraph.results.prediction import Prediction

#: Memory that Ray takes for objects where it is started for one screen: a few batches are all that is in it.
_OBJECT_STORE_BYTES = 200_000_000

#: Times that Ray gives a batch to another worker when one dies over it.
_RETRIES = 5


@contextmanager
def start_ray_workers(source: ModelSource, address: str | None) -> Iterator[Workers]:
    """Workers on a Ray cluster; it is left as it was found, or ended if it was started here.

    Args:
        source: The models.
        address: Of a cluster, `auto` for the one that runs on this machine; None starts one for this screen.

    Raises:
        InputError: Ray is not installed, or there is no cluster.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray as module

        ray: Any = module  # untyped
    except ImportError as error:
        raise InputError("engine is 'ray', which is not installed; pip install 'molgraph-toolkit[ray]'") from error
    was_there = ray.is_initialized()
    if not was_there:
        _connect(ray, address)
    try:
        pool = _RayPool(ray, source)
        count = max(1, int(ray.cluster_resources().get("CPU", 1)))

        def begin() -> tuple[Executor, tuple[Future[int], ...]]:
            return pool, tuple(pool.warm_up() for _ in range(count))

        yield Workers(pool, source, begin()[1], begin)
    finally:
        if not was_there:
            ray.shutdown()


def _connect(ray: Any, address: str | None) -> None:
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if address is None:
            ray.init(
                include_dashboard=False, object_store_memory=_OBJECT_STORE_BYTES, _node_ip_address="127.0.0.1", **quiet
            )
        else:
            ray.init(address=address, **quiet)
    except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"address is {address!r}, and no Ray cluster answers there ({reason}); start one with 'ray start --head'"
        ) from error


class _RayPool(Executor):
    """Gives work to a Ray cluster in the way of `concurrent.futures`."""

    def __init__(self, ray: Any, source: ModelSource) -> None:
        self._source = source
        # In a list, or Ray would unpack the files anew for each task.
        self._files = [ray.put([_files_of(path) for path in source.paths])]
        remote = partial(ray.remote, num_cpus=1, max_retries=_RETRIES)
        self._predict, self._run = remote()(_predict_on_worker), remote()(_run_on_worker)
        self._warm_up = remote(scheduling_strategy="SPREAD")(_load_on_worker)

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **_named: Any) -> "Future[Any]":
        """The future of a task on the cluster; for predictions the models are sent too."""
        if function is predict_batch:
            task = self._predict.remote(self._files, *arguments)
        else:
            task = self._run.remote(function, *arguments)
        return _future(task)

    def warm_up(self) -> "Future[int]":
        """The future that a worker has loaded the models."""
        return _future(self._warm_up.remote(self._files, self._source))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing is held here: the cluster goes on."""


def _future(task: Any) -> "Future[Any]":
    """The future of a task; it fails with the error of the work, or with `BrokenExecutor` where the cluster failed."""
    from ray.exceptions import RayError, RayTaskError

    future: Future[Any] = Future()

    def keep(done: "Future[Any]") -> None:
        error = done.exception()
        if not future.set_running_or_notify_cancel():
            return  # the result is not needed any more
        if error is None:
            future.set_result(done.result())
        elif isinstance(error, RayTaskError):
            future.set_exception(error.cause)
        else:
            future.set_exception(BrokenExecutor(str(error)) if isinstance(error, RayError) else error)

    task.future().add_done_callback(keep)
    return future


def _files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


# What follows runs in a worker of the cluster.


def _predict_on_worker(files: list[Any], source: ModelSource, digest: str, work: Work, domain: bool) -> Prediction:
    panel = _panel(_Files(files[0]), source)
    if panel.digest != digest:
        raise ModelError("the model folder changed while it was in use; start again")
    return replace(predicted(panel, work, domain=domain), calibration=None)


def _run_on_worker(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def _load_on_worker(files: list[Any], source: ModelSource) -> int:
    _panel(_Files(files[0]), source)
    return 0  # the number of a process elsewhere is of no use here


@dataclass(frozen=True)
class _Files:
    """Ray's reference to the files of the models; two of the same object are equal."""

    reference: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Files) and self.reference.hex() == other.reference.hex()

    def __hash__(self) -> int:
        return hash(self.reference.hex())


@cache
def _panel(files: _Files, source: ModelSource) -> Panel:
    """The models, on one thread of this worker's processor."""
    import ray
    import torch
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    torch.set_num_threads(1)
    threadpool_limits(1, user_api="blas")
    with tempfile.TemporaryDirectory(prefix="molgraph-") as name:
        paths = []
        for place, contents in enumerate(ray.get(files.reference)):
            paths.append(Path(name, str(place)))
            paths[-1].mkdir()
            for file, content in contents.items():
                Path(paths[-1], Path(file).name).write_bytes(content)
        return Panel.load(paths, device="cpu", precision=source.precision)
