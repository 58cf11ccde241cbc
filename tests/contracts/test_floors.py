"""Imports go down only: every import counts, also one inside a function or for type checking alone."""

import ast
from collections.abc import Iterator
from itertools import chain

# Floor of each unit, a module or package right below `molgraph`. A unit imports from lower floors, and from no other unit
# of its own.
FLOORS = (
    {"version", "errors", "spelling"},
    {"results", "storage", "parallel"},
    {"config", "graphs", "quantities", "chem", "metrics"},
    {"files", "rank", "uncertainty", "models"},
    {"features", "datasets", "learners"},
    {"applicability", "packed_library"},
    {"model_folder"},
    {"prediction"},
    {"training", "screening", "evaluation"},
    {"integrations", "benchmark", "demo"},
)
FLOOR_OF = {unit: floor for floor, units in enumerate(FLOORS) for unit in units}

# RDKit stays on one side of `PackedGraphs`, torch on the other.
NO_TORCH = {*FLOORS[0], *FLOORS[1], *FLOORS[2], "files", "rank", "uncertainty", "features", "datasets", "applicability"}
NO_RDKIT = {
    *FLOORS[0],
    *FLOORS[1],
    *FLOORS[2],
    "rank",
    "uncertainty",
    "models",
    "learners",
    "applicability",
    "training",
} - {"chem"}

# Beside the public names of `molgraph` itself: the shared nouns, what commands list and show, and what they report.
COMMAND_LINE_UNITS = {
    "",
    *FLOORS[0],
    *FLOORS[1],
    "config",
    "datasets",
    "packed_library",
    "model_folder",
    "screening",
    "evaluation",
    "benchmark",
    "demo",
}
COMMAND_LINE_MODULES = {
    "molgraph.files.stream_progress",
    "molgraph.features.cuik_engine",
    "molgraph.metrics.scores",
    "molgraph.models.precision",
    "molgraph.prediction.builtin_models",
    "molgraph.training.build_panel",
    "molgraph.training.fit_tabular",
    "molgraph.training.pretraining.pretraining_progress",
    "molgraph.training.training_progress",
    "molgraph.training.tune",
    "molgraph.uncertainty.coverage",
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
            imported = unit_of(
                target
            )  # none of `from molgraph import errors`, which would hide a module from this test
            if imported != importer and FLOOR_OF.get(imported, len(FLOORS)) >= FLOOR_OF[importer]:
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
