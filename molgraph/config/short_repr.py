"""What people read of settings: those that are not the defaults."""

from dataclasses import MISSING, Field, fields
from typing import Any


def short_repr(settings: Any) -> str:
    """The settings of a dataclass that differ from its defaults, as they would be written.

    >>> from molgraph.config.training import ModelConfig, TrainConfig
    >>> TrainConfig(folds=3, model=ModelConfig(depth=4))
    TrainConfig(model=ModelConfig(depth=4), folds=3)
    """
    values = [(field.name, getattr(settings, field.name), _default(field)) for field in fields(settings)]
    given = ", ".join(f"{name}={value!r}" for name, value, default in values if value != default)
    return f"{type(settings).__name__}({given})"


def _default(field: Field[Any]) -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()
