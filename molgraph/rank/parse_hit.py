"""Reading of a hit from text: conditions such as `pIC50 >= 7 and not hERG`, joined by `and`."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from molgraph.errors import InputError
from molgraph.quantities.names import p_name_of, split_unit
from molgraph.quantities.units import P_UNIT, unit_of
from molgraph.rank.hit_rule import Condition, HitRule
from molgraph.results.tasks import TaskSpec
from molgraph.spelling import did_you_mean

#: Words for the class 1 and the class 0 of a model with one task of classes.
_CLASS_WORDS = {"active": 1, "positive": 1, "toxic": 1, "inactive": 0, "negative": 0, "non-toxic": 0}

#: Words for a class behind a sign of equality.
_CLASS_VALUES = {**_CLASS_WORDS, "yes": 1, "true": 1, "no": 0, "false": 0}

_COMPARISON = re.compile(
    r"^(?P<task>.*?)\s*(?P<sign>>=|<=|==|>|<|=|≥|≤)\s*(?P<number>\S+)(?:\s+(?P<unit>[^\s<>=≥≤]+))?$", re.DOTALL
)
_NUMBER_WITH_UNIT = re.compile(r"^(?P<number>[0-9.]+(?:[eE][-+]?[0-9]+)?)(?P<unit>[a-zA-Zµμ]+)$")
_SIGNS = {"≥": ">=", "≤": "<=", "==": "="}
_TURNED = {">": "<", ">=": "<=", "<": ">", "<=": ">="}

#: Characters of a rule. Longer ones come of a broken file.
_MOST_CHARACTERS = 10_000


def parse_hit(text: str, tasks: Sequence[TaskSpec], *, field: str = "hit") -> HitRule:
    """The rule in words: conditions joined by `and`, on what is measured.

    A condition on a value is `NAME >= NUMBER` (or `>`, `<`, `<=`), on a class `NAME`, `not NAME`, `NAME = 0` or
    `NAME = inactive` (also negative, non-toxic, no, false, and their opposites); `NAME <= 0.5` and `NAME > 0.5` say the
    same by the probability. In a model with one task of classes `active` and `inactive` (also positive, negative,
    toxic, non-toxic) name its classes. A task learned as a p-value takes limits of the concentration too.

    Args:
        text: The words.
        tasks: The tasks of the models.
        field: What the user calls it, for messages.

    Raises:
        InputError: A task is unknown, or the condition does not fit its kind.

    >>> str(parse_hit("active", [TaskSpec("HIV_active", "classification")]))
    'HIV_active = 1'
    >>> str(parse_hit("IC50 <= 100 nM", [TaskSpec("pIC50", "regression", unit="-log10(mol/L)")]))
    'pIC50 >= 7'
    """
    return _Words(text.strip(), tuple(tasks), field, allows_probability=False).rule()


def parse_requirement(text: str, tasks: Sequence[TaskSpec], *, field: str = "require") -> HitRule:
    """Likewise conditions on predictions: those on a class may name any limit of its probability.

    >>> rule = parse_requirement("hERG <= 0.3", [TaskSpec("hERG", "classification")])
    >>> rule.is_predicted(np.array([[0.2], [0.4]]))
    array([ True, False])
    """
    return _Words(text.strip(), tuple(tasks), field, allows_probability=True).rule()


@dataclass(frozen=True)
class _Words:
    """Reads a rule.

    Attributes:
        text: What was written.
        tasks: What it may name.
        field: Where it was written.
        allows_probability: Whether a class may have a limit of its probability other than a half.
    """

    text: str
    tasks: tuple[TaskSpec, ...]
    field: str
    allows_probability: bool

    def rule(self) -> HitRule:
        """All conditions."""
        if not self.text:
            raise InputError(f"{self.field} is empty; name what a hit is, e.g. {_example(self.tasks)!r}")
        if len(self.text) > _MOST_CHARACTERS:
            raise InputError(f"{self.field} has {len(self.text):,} characters; {_MOST_CHARACTERS:,} are allowed")
        conditions: list[Condition] = []
        for part in _parts(self.text, self.tasks):
            condition = self._condition(part)
            if condition in conditions:
                raise InputError(f"{self.field} is {self.text!r}, which says {str(condition)!r} twice; say it once")
            conditions.append(condition)
        return HitRule(tuple(conditions))

    def _condition(self, text: str) -> Condition:
        tasks = self.tasks
        column = _find(text, tasks)
        if column is not None and tasks[column].kind == "classification":
            return _class(tasks, column, 1)
        negated = re.match(r"not\s+(.*)$", text, re.IGNORECASE | re.DOTALL)
        if negated and column is None:
            if re.match(r"not\s", negated.group(1), re.IGNORECASE):
                raise InputError(f"{self.field} has {text[:80]!r}; say 'not' once")
            inner = self._condition(negated.group(1))
            if not inner.is_class or inner.sign != "=":
                raise InputError(
                    f"{self.field} has {text!r}; 'not' is for classes, turn the comparison round for a value"
                )
            return _class(tasks, inner.column, 1 - int(inner.limit))
        classes = [i for i, task in enumerate(tasks) if task.kind == "classification"]
        if column is None and len(classes) == 1:
            value = _own_words(tasks[classes[0]], _CLASS_WORDS).get(text.lower())
            if value is not None:
                return _class(tasks, classes[0], value)
        return self._comparison(text)

    def _comparison(self, text: str) -> Condition:
        match = _COMPARISON.match(text)
        column = _find(match["task"] if match else text, self.tasks)
        if match is not None and column is None:
            found = self._concentration(text, match)
            if found is not None:
                return found
        if column is None:
            names = [task.name for task in self.tasks]
            near = did_you_mean((match["task"] if match else text).strip(), names)
            raise InputError(
                f"{self.field} has {text!r}; {near}a condition is a task of the model ({', '.join(names)}) "
                f"with a limit, e.g. {_example(self.tasks)!r}"
            )
        task = self.tasks[column]
        if match is None:
            raise InputError(
                f"{self.field} has {text!r}, a measured value; compare it with a limit, e.g. '{task.name} >= 7'"
            )
        if match["unit"] is not None and match["unit"] != task.unit:
            raise InputError(
                f"{self.field} has {text!r}; limits of {task.name} are "
                + ("without a unit" if task.unit is None else f"in {task.unit}")
            )
        sign = _SIGNS.get(match["sign"], match["sign"])
        if task.kind == "classification":
            return self._class_comparison(text, column, sign, match["number"])
        limit = _number(match["number"])
        if sign == "=" or not np.isfinite(limit):
            raise InputError(f"{self.field} has {text!r}; compare {task.name} with a number by >=, >, <= or <")
        return Condition(task.name, column, is_class=False, sign=sign, limit=limit)

    def _concentration(self, text: str, match: re.Match[str]) -> Condition | None:
        """A limit of a concentration, of which the task has the p-value; None if no task has it."""
        joined = _NUMBER_WITH_UNIT.match(match["number"]) if match["unit"] is None else None
        number, unit_text = (joined or match).group("number", "unit")
        bare, own_unit = split_unit(match["task"])
        p_name = p_name_of(bare)
        column = None if p_name is None else _find(p_name, self.tasks)
        if column is None or self.tasks[column].unit != P_UNIT:
            return None
        name, unit, limit = (
            self.tasks[column].name,
            own_unit if unit_text is None else unit_of(unit_text),
            _number(number),
        )
        if unit is None or unit.dimension != "molar concentration":
            raise InputError(
                f"{self.field} has {text!r}; {name} is learned as {P_UNIT}: give the limit with its unit, e.g. "
                f"'{bare} <= 100 nM', or write '{name} >= 7'"
            )
        sign = _SIGNS.get(match["sign"], match["sign"])
        if sign == "=" or not (np.isfinite(limit) and limit > 0):
            raise InputError(f"{self.field} has {text!r}; compare {bare} with a number above 0 by <=, <, >= or >")
        # The sum of logarithms, since 100 times 1e-9 is not just 1e-7.
        return Condition(
            task=name,
            column=column,
            is_class=False,
            sign=_TURNED[sign],
            limit=round(-math.log10(limit) - math.log10(unit.factor), 12),
        )

    def _class_comparison(self, text: str, column: int, sign: str, word: str) -> Condition:
        name, limit = self.tasks[column].name, _number(word)
        known = _own_words(self.tasks[column], _CLASS_VALUES)
        if sign == "=" and (word.lower() in known or limit in (0.0, 1.0)):
            return _class(self.tasks, column, known.get(word.lower(), int(limit == 1.0)))
        if sign != "=" and 0.0 <= limit <= 1.0:
            if self.allows_probability:
                return Condition(name, column, is_class=True, sign=sign, limit=limit)
            if limit == 0.5:
                return _class(self.tasks, column, int(sign.startswith(">")))
            raise InputError(
                f"{self.field} has {text!r}; a compound is measured to be of the class {name} or not: write {name!r} "
                f"or 'not {name}'; a limit of its predicted probability goes into require of a profile"
            )
        more = f", or a limit of its probability, e.g. '{name} <= 0.5'" if self.allows_probability else ""
        raise InputError(f"{self.field} has {text!r}; {name} is a class: write {name!r} or 'not {name}'{more}")


def _own_words(task: TaskSpec, words: Mapping[str, int]) -> Mapping[str, int]:
    """The words for the two classes, in lower case; what the task calls them goes first."""
    return {**words, **{name.lower(): value for value, name in enumerate(task.class_names or ())}}


def _class(tasks: Sequence[TaskSpec], column: int, value: int) -> Condition:
    return Condition(tasks[column].name, column, is_class=True, sign="=", limit=float(value))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _parts(text: str, tasks: Sequence[TaskSpec]) -> list[str]:
    """`text` cut at each `and` that is not part of the name of a task."""
    hidden = text
    for name in sorted((task.name for task in tasks), key=len, reverse=True):
        if re.search(r"\band\b", name, re.IGNORECASE):
            hidden = hidden.replace(name, "\0" * len(name))
    cuts = [0, *(end for match in re.finditer(r"\band\b", hidden, re.IGNORECASE) for end in match.span()), len(text)]
    return [text[start:end].strip() for start, end in zip(cuts[::2], cuts[1::2], strict=True)]


def _find(name: str, tasks: Sequence[TaskSpec]) -> int | None:
    """Position of the task of that name; its case counts only where two names differ in nothing else."""
    names = [task.name for task in tasks]
    if name in names:
        return names.index(name)
    alike = [i for i, known in enumerate(names) if known.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None


def _example(tasks: Sequence[TaskSpec]) -> str:
    name, kind = (tasks[0].name, tasks[0].kind) if tasks else ("pIC50", "regression")
    return name if kind == "classification" else f"{name} >= 7"
