"""The page on settings: every field of the dataclasses in `molgraph.config` that people set."""

import dataclasses
import inspect
import pkgutil
import types
import typing
from collections.abc import Iterator, Mapping
from importlib import import_module

import griffe
from markdown_table import cell, code, table

import molgraph.config
from molgraph.config.learners import LEARNERS, PRESETS
from molgraph.config.uncertainty_methods import UNCERTAINTY_METHODS

_INTRODUCTION = """\
# Settings

This page is made from the code. Settings of a training go into a TOML file (`molgraph train --config settings.toml`) or
into the dataclasses of the same fields in Python, which are tables in the file; the most common ones are options of the
[command line](command-line.md) too. What they are for is explained in [Training](training.md).
"""

#: What stands first; the others follow by their names.
_FIRST = ("TrainConfig", "ScreenConfig", "PretrainConfig")

_TYPES: Mapping[object, str] = {str: "text", bool: "true or false", int: "whole number", float: "number"}


def settings_page() -> str:
    """Learners, presets and uncertainty methods, then each dataclass with its tables."""
    every = config_classes()
    nested = {held for kind in every for held in _nested(kind).values()}
    top = [kind for kind in every if kind not in nested]
    top.sort(key=lambda kind: (_FIRST.index(kind.__name__) if kind.__name__ in _FIRST else len(_FIRST), kind.__name__))
    shown: set[type] = set()
    settings = (line for kind in top for line in _section(kind, "", 2, shown))
    return "\n".join([_INTRODUCTION, *_learners(), *_uncertainty_methods(), *settings])


def config_classes() -> list[type]:
    """The dataclasses of `molgraph.config` whose fields people set: `...Config`, and the defaults of the user."""
    found: dict[str, type] = {}
    for module in pkgutil.iter_modules(molgraph.config.__path__, "molgraph.config."):
        for name, kind in vars(import_module(module.name)).items():
            is_settings = name.endswith("Config") or name == "UserDefaults"
            if is_settings and dataclasses.is_dataclass(kind) and kind.__module__ == module.name:
                found[name] = kind
    return list(found.values())


def _nested(kind: type) -> dict[str, type]:
    """The fields of a dataclass that are dataclasses: tables of their own in TOML."""
    hints = typing.get_type_hints(kind)
    return {name: hint for name, hint in hints.items() if inspect.isclass(hint) and dataclasses.is_dataclass(hint)}


def _learners() -> Iterator[str]:
    yield "\n## Learners and presets\n"
    yield "`preset` blends several learners, `learner` takes one alone.\n"
    rows = [
        [
            code(name),
            cell(spec.description),
            ", ".join(code(preset) for preset, names in PRESETS.items() if name in names) or "",
            f"{spec.most_rows:,}" if spec.most_rows else "",
            "yes" if spec.holds_rows else "",
        ]
        for name, spec in LEARNERS.items()
    ]
    yield table(["learner", "what it is", "presets", "most rows in a preset", "holds a row for each compound"], rows)


def _uncertainty_methods() -> Iterator[str]:
    yield "\n## Uncertainty methods\n"
    yield "`method` of the [uncertainty](#uncertaintyconfig): what gives the spread of a prediction.\n"
    rows = [
        [
            code(name),
            cell(spec.description),
            "values" if spec.values_only else "values and classes",
            "network" if spec.networks_only else "all",
            code(spec.intervals),
        ]
        for name, spec in UNCERTAINTY_METHODS.items()
    ]
    yield table(["method", "what gives the spread", "tasks", "learners", "intervals by default"], rows)


def _section(kind: type, path: str, level: int, shown: set[type]) -> Iterator[str]:
    """A dataclass, and below it those in its fields that have not been shown elsewhere."""
    shown.add(kind)
    nested = _nested(kind)
    title = f"{kind.__name__}: `[{path}]`" if path else kind.__name__
    yield f"\n{'#' * level} {title} {{: #{_anchor(kind)} }}\n"
    meanings = _meanings(kind)
    yield f"{meanings['']}\n"
    rows = [
        [code(own.name), _type(own, kind), _default(own, nested, path), cell(meanings.get(own.name, ""))]
        for own in dataclasses.fields(kind)
    ]
    yield table(["setting", "type or choices", "default", "meaning"], rows)
    for name, held in nested.items():
        if held not in shown:
            yield from _section(held, f"{path}.{name}".strip("."), level + 1, shown)


def _anchor(kind: type) -> str:
    return kind.__name__.lower()


def _meanings(kind: type) -> dict[str, str]:
    """What each field means, from the docstring; below the empty name, its text."""
    found = {"": ""}
    for section in griffe.Docstring(inspect.getdoc(kind) or "").parse("google", warnings=False):
        if section.kind is griffe.DocstringSectionKind.text:
            found[""] += section.value
        elif section.kind is griffe.DocstringSectionKind.attributes:
            found |= {own.name: own.description for own in section.value}
    return found


def _type(own: "dataclasses.Field[object]", kind: type) -> str:
    return _shown_type(typing.get_type_hints(kind)[own.name])


def _shown_type(hint: object) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return ", ".join(code(str(choice)) for choice in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_shown_type(part) for part in arguments if part is not types.NoneType)
    if origin in (dict, tuple, list):
        return code(str(hint).replace("typing.", ""))
    if dataclasses.is_dataclass(hint):
        return "table"
    if hint in _TYPES:
        return _TYPES[hint]
    return code(str(hint))


def _default(own: "dataclasses.Field[object]", nested: dict[str, type], path: str) -> str:
    if own.name in nested:
        full = f"{path}.{own.name}".strip(".")
        return f"[`[{full}]`](#{_anchor(nested[own.name])})"
    if own.default is dataclasses.MISSING and own.default_factory is dataclasses.MISSING:
        return "must be given"
    value = own.default_factory() if own.default_factory is not dataclasses.MISSING else own.default
    if value is None or value in ({}, (), []):
        return "not set"
    return code(str(value).lower() if isinstance(value, bool) else str(value))
