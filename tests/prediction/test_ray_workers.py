"""A screen on a Ray cluster writes the files of a local one, also if a node dies under it."""

import subprocess
import sys
from concurrent.futures import BrokenExecutor, Future

import pytest

from molgraph import Predictor, screen
from molgraph.config.compute import ComputeConfig
from molgraph.errors import InputError, ModelError
from molgraph.prediction.ray_workers import _future

pytest.importorskip("ray", reason="the ray extra is not installed")

# In a process of its own: Ray's threads, sockets and signal handlers are not for this one.
PROGRAM = """
import sys
from molgraph import ComputeConfig, ScreenConfig
from molgraph.prediction import parallel_predict as stream
from molgraph.screening import read_library, screen as module
module.BATCH_SIZE, module.CHUNK_BATCHES, read_library.CHUNK_BATCHES = 8, 3, 3
# As if every worker had been ready from the start: the cluster does as much as it can.
stream.Workers.n_ready = property(lambda workers: len(workers.starts))

def main(kind, model, library, output):
    config = ScreenConfig(top=25, domain="ignore")
    options = {"device": "cpu", "precision": "float32", "engine": "ray"}
    if kind == "own":
        module.screen(model, library, output=output, config=config, compute=ComputeConfig(**options))
        return
    import os
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster
    node = {"num_cpus": 1, "object_store_memory": 100_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    second = cluster.add_node(**node)
    cluster.wait_for_nodes()
    killed = []

    def listen(progress):
        if progress.rows > 60 and not killed:
            cluster.remove_node(second, allow_graceful=False)
            killed.append(progress.rows)

    compute = ComputeConfig(**options, address=cluster.address)
    module.screen(model, library, output=output, config=config, compute=compute, on_progress=listen)
    print("killed after", killed[0], "rows")
    cluster.shutdown()

if __name__ == "__main__":
    main(*sys.argv[1:])
"""


@pytest.fixture
def library(assay, tmp_path):
    path = tmp_path / "library.smi"
    lines = [f"{text} c{row}" for row, text in enumerate([*assay[0][:300], "C1CC", "oops"])]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["own", "two nodes"])
def test_the_files_are_those_of_a_local_screen(model_folder, library, tmp_path, kind):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    local = PROGRAM.replace('"engine": "ray"', '"processes": 1')
    (tmp_path / "local.py").write_text(local)
    subprocess.run(
        [sys.executable, tmp_path / "local.py", "own", model_folder, library, tmp_path / "local"], check=True
    )
    ended = subprocess.run(
        [sys.executable, program, kind, model_folder, library, tmp_path / "ray"],
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert ("killed after" in ended.stdout) == (kind == "two nodes")
    files = {path.name: path.read_bytes() for path in (tmp_path / "local").iterdir() if path.name != "timing.json"}
    assert files == {p.name: p.read_bytes() for p in (tmp_path / "ray").iterdir() if p.name != "timing.json"}


def test_errors_are_those_of_the_work_or_of_the_pool():
    from ray.exceptions import RayTaskError, WorkerCrashedError

    class Task:
        """A task of Ray that is done."""

        def __init__(self, result=None, error=None):
            self.done = Future()
            self.done.set_exception(error) if error else self.done.set_result(result)

        def future(self):
            return self.done

    assert _future(Task(result=3)).result() == 3
    with pytest.raises(BrokenExecutor):
        _future(Task(error=WorkerCrashedError())).result()
    with pytest.raises(ModelError, match=r"^the model folder changed$"):
        _future(Task(error=RayTaskError("work", "a traceback", ModelError("the model folder changed")))).result()


def test_what_cannot_be_done(model_folder, library, tmp_path):
    with pytest.raises(InputError, match="engine is 'dask'; it must be one of 'local', 'ray'"):
        screen(model_folder, library, output=tmp_path / "hits", compute=ComputeConfig(engine="dask"))
    with pytest.raises(InputError, match="address is 'auto', of a Ray cluster; it needs the engine 'ray'"):
        screen(model_folder, library, output=tmp_path / "hits", compute=ComputeConfig(address="auto"))
    assert Predictor.load(model_folder).tasks


def test_without_ray(model_folder, library, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(
        InputError, match=r"engine is 'ray', which is not installed; pip install 'molgraph-toolkit\[ray\]'"
    ):
        screen(model_folder, library, output=tmp_path / "hits", compute=ComputeConfig(engine="ray", device="cpu"))
    assert [path.name for path in tmp_path.iterdir()] == ["library.smi"]
