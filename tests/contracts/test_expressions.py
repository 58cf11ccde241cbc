"""Regular expressions meet text from files and requests: none of them may take for ever over any of it."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

import molgraph
import molgraph_cli

#: Long enough that what tries everything twice would need centuries, short enough for what tries every pair.
LENGTH = 160
PIECES = [
    *"[](){}<>|-+=._,;:'\" \t\n1aCcHN",
    "[a",
    "[a]",
    "[2H]",
    "1,",
    "1.",
    "a_",
    "1-",
    "a b ",
    "not ",
    "[N+](",
    "IC50 ",
    "(in ",
    "1e1",
    "123,",
]
ENDS = ["", "!", "x", "]", ")", "\0", " 1"]


def patterns() -> Iterator[tuple[str, "re.Pattern[str] | re.Pattern[bytes]"]]:
    """Every compiled expression that a module holds: by itself, in a mapping, or as one of its methods."""
    for package in (molgraph, molgraph_cli):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for name, value in vars(importlib.import_module(found.name)).items():
                for held in [value, *(value.values() if isinstance(value, dict) else ())]:
                    pattern = getattr(held, "__self__", held)
                    if isinstance(pattern, re.Pattern):
                        yield f"{found.name}.{name}", pattern


def try_all(pattern: "re.Pattern[str] | re.Pattern[bytes]") -> int:
    texts = [piece * (LENGTH // len(piece)) + end for piece in PIECES for end in ENDS]
    for text in texts:
        given = text if isinstance(pattern.pattern, str) else text.encode()
        for function in (pattern.search, pattern.match, pattern.fullmatch):
            function(given)
    return len(texts)


def test_expressions_end():
    found = list(patterns())
    assert any("parse._SMILES_LETTERS" in name for name, _ in found)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        try:
            for name, pattern in found:
                try:
                    assert pool.submit(try_all, pattern).result(timeout=60) == len(PIECES) * len(ENDS)
                except TimeoutError:
                    pytest.fail(f"{name} does not come to an end: {pattern.pattern!r}")
        finally:
            for process in list(pool._processes.values()):
                process.kill()
