"""The page on the Python API: the public names of `molgraph`, whose docstrings mkdocstrings shows."""

import inspect

import molgraph

_INTRODUCTION = """\
# Python API

This page is made from the docstrings. These are the public names: `from molgraph import train`, and so on. Examples in
docstrings are run as tests. For a walk through them see [From Python](python.md).
"""


def api_page() -> str:
    """Functions and classes, in the order in which they are used."""
    kinds = {"Functions": inspect.isfunction, "Classes": inspect.isclass}
    lines = [_INTRODUCTION]
    for title, is_kind in kinds.items():
        lines.append(f"\n## {title}\n")
        lines += [f"::: {home(name)}\n" for name in molgraph.__all__ if is_kind(getattr(molgraph, name))]
    return "\n".join(lines)


def home(name: str) -> str:
    """The full name of a public function or class, where it is defined."""
    public = getattr(molgraph, name)
    return f"{public.__module__}.{public.__qualname__}"
