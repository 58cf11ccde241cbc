"""Imports go down only: every import counts, also one inside a function or for type checking alone."""

import ast
from collections.abc import Iterator
from itertools import chain

# Floor of each unit, a module or package right below `molgraph`. A unit imports from lower floors. Units of one floor
# do not import each other, except on the ground floor, where the shared nouns live.
FLOORS = (
    {
        "errors",
        "config",
        "settings",
        "tasks",
        "results",
        "graphs",
        "atomic",
        "vocabulary",
        "outputs",
        "learners",
        "spelling",
        "defaults",
        "locks",
        "quantities",
    }
    | {"plain", "decode", "arrays", "sealed", "helpers", "interrupts", "card", "encoder_card", "reference"},
    {"chem", "metrics", "uncertainty", "rank"},
    {"features", "models"},
    {"datasets", "library", "encoder_store", "domain"},
    {"training"},
    {"store", "pretraining"},
    {"prediction"},
    {"screening", "trainer", "evaluation", "tuning", "embed"},
    {"estimators", "endpoints"},
    {"demo", "benchmark"},
)
FLOOR_OF = {unit: floor for floor, units in enumerate(FLOORS) for unit in units}

# RDKit stays on one side of `PackedGraphs`, torch on the other.
NO_TORCH = {*FLOORS[0], *FLOORS[1], "features", "datasets", "domain", "rank"}
NO_RDKIT = {*FLOORS[0], "metrics", "uncertainty", "domain", "rank", "models", "training"}

# Beside the public names of `molgraph` itself: the shared nouns, what commands list and show, and what they report.
COMMAND_LINE_UNITS = {
    "",
    *FLOORS[0],
    "datasets",
    "library",
    "encoder_store",
    "store",
    "screening",
    "evaluation",
    "endpoints",
    "demo",
    "benchmark",
    "tuning",
}
COMMAND_LINE_MODULES = {
    "molgraph.features.fast",
    "molgraph.models.precision",
    "molgraph.training.column_learners",
    "molgraph.training.progress",
    "molgraph.pretraining.progress",
    "molgraph.prediction.shipped",
    "molgraph.uncertainty.coverage",
    "molgraph.metrics.scores",
}
HEAVY = {"torch", "rdkit", "numpy", "pandas", "pyarrow", "sklearn", "deepchem", "torch_geometric", "rich"}


def imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """(module, name) of everything that is imported anywhere; the name is empty for `import module`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # Only the command line, whose folder and package differ in name, may import its own files as relatives.
            module = f"molgraph_cli.{node.module or ''}".rstrip(".") if node.level else node.module
            yield from ((module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "import_module":
            yield from ((word.value, "") for word in node.args if isinstance(word, ast.Constant))


def unit_of(module: str) -> str:
    """`molgraph.chem.parse` belongs to `chem`; the root package to none."""
    return module.split(".")[1] if "." in module else ""


def test_every_module_has_a_floor(library):
    assert {unit_of(module) for module in library} == {"", *FLOOR_OF}


def test_imports_are_absolute(library):
    for module, tree in library.items():
        assert all(node.level == 0 for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)), module


def test_imports_go_down_only(library):
    wrong = []
    for module, tree in library.items():
        importer = unit_of(module)
        if not importer:  # the public face names everything
            continue
        for target, name in imports(tree):
            if target.split(".")[0] != "molgraph":
                continue
            if target == "molgraph":
                # `from molgraph import errors` would hide a module from this test.
                ok = name == "__version__"
            else:
                imported = unit_of(target)
                here, there = FLOOR_OF[importer], FLOOR_OF[imported]
                ok = imported == importer or there < here or here == there == 0
            if not ok:
                wrong.append(f"{module} imports {target} {name}".strip())
    assert wrong == []


def test_the_library_does_not_know_its_command_line(library):
    found = [(module, target) for module, tree in library.items() for target, _ in imports(tree)]
    assert [pair for pair in found if pair[1].split(".")[0] in {"molgraph_cli", "cli", "typer"}] == []


def test_rdkit_and_torch_stay_apart(library):
    wrong = []
    for module, tree in library.items():
        for target, _ in imports(tree):
            package = target.split(".")[0]
            if (package == "torch" and unit_of(module) in NO_TORCH) or (
                package == "rdkit" and unit_of(module) in NO_RDKIT
            ):
                wrong.append(f"{module} imports {target}")
    assert wrong == []


def test_the_command_line_is_a_client_of_the_api(command_line):
    wrong = [
        f"{module} imports {target}"
        for module, tree in command_line.items()
        for target, _ in imports(tree)
        if target.split(".")[0] == "molgraph"
        and unit_of(target) not in COMMAND_LINE_UNITS
        and target not in COMMAND_LINE_MODULES
    ]
    assert wrong == []


def test_the_command_line_starts_light(command_line):
    wrong = []
    for module, tree in command_line.items():
        top = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
        wrong += [f"{module} imports {target}" for target, _ in imports(top) if target.split(".")[0] in HEAVY]
    assert wrong == []


def test_private_names_stay_where_they_are(library, command_line):
    wrong = [
        f"{module} imports {name} from {target}"
        for module, tree in chain(library.items(), command_line.items())
        for target, name in imports(tree)
        if target.split(".")[0] in {"molgraph", "molgraph_cli"} and name.startswith("_") and name != "__version__"
    ]
    assert wrong == []
