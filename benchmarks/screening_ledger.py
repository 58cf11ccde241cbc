"""How long a screen takes, and how much of that goes into its ledger.

python benchmarks/screening_ledger.py MODEL LIBRARY OUTPUT.json
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from molgraph import ComputeConfig, screen
from molgraph.screening import screen as module
from molgraph.screening.chunk import ChunkContent
from molgraph.screening.screen_checkpoint import ScreenCheckpoint


def main(model: str, library: str, output: str) -> None:
    """Screens with a clock around all that is done for the ledger alone."""
    spent = 0.0

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            nonlocal spent
            start = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                spent += time.perf_counter() - start

        return run

    ScreenCheckpoint.write = timed(ScreenCheckpoint.write)  # type: ignore[method-assign]
    ChunkContent.add = timed(ChunkContent.add)  # type: ignore[method-assign]
    module.joined = timed(module.joined)  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as folder:
        result = screen(
            model, library, output=Path(folder, "hits"), compute=ComputeConfig(device="cpu", processes=None)
        )
    Path(output).write_text(json.dumps({"screen": result.seconds, "ledger": spent}), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
