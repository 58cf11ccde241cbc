"""The page on the methods of the benchmarks: what stands beside their scripts."""

from pathlib import Path

_METHODS = Path(__file__).resolve().parents[2] / "benchmarks" / "README.md"


def benchmark_methods_page() -> str:
    """`benchmarks/README.md`, as it is."""
    return _METHODS.read_text(encoding="utf-8")
