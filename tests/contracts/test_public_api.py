"""What `import molgraph` promises, and what its code never does."""

import ast
import inspect
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import molgraph

REPOSITORY = Path(__file__).resolve().parents[2]
WITH_EXAMPLE = ("train", "Predictor", "screen", "featurize", "load_dataset")


@cache
def homes() -> dict[str, str]:
    """Module of each public name, as the stub has it, which type checkers read."""
    stub = ast.parse((REPOSITORY / "molgraph" / "__init__.pyi").read_text(encoding="utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    assert all(alias.asname == alias.name for node in imports for alias in node.names)
    return {alias.name: f"molgraph.{node.module}" for node in imports for alias in node.names}


def test_star_import_and_stub_of_the_wheel():
    names = {}
    exec("from molgraph import *", names)
    assert set(molgraph.__all__) <= set(names)
    assert '"*.pyi"' in (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")


def test_names_are_listed_once_and_have_a_home():
    assert len(set(molgraph.__all__)) == len(molgraph.__all__)
    assert set(molgraph.__all__) == set(homes())
    assert set(molgraph.__all__) <= set(dir(molgraph))


@pytest.mark.parametrize("name", molgraph.__all__)
def test_name_can_be_imported_and_is_explained(name):
    value = getattr(molgraph, name)
    assert value.__module__ == homes()[name]
    assert value.__name__ == name
    assert inspect.getdoc(value)


@pytest.mark.parametrize("name", WITH_EXAMPLE)
def test_example(name):
    assert ">>> " in inspect.getdoc(getattr(molgraph, name))


@pytest.mark.parametrize("name", molgraph.__all__)
def test_signatures_say_what_they_take(name):
    value = getattr(molgraph, name)
    if isinstance(value, type) and issubclass(value, Exception):
        return
    parameters = inspect.signature(value).parameters.values()
    assert all(parameter.kind is not parameter.VAR_KEYWORD for parameter in parameters)
    if not isinstance(value, type):
        positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        assert 1 <= len(positional) <= 3
        assert all(p.annotation is not p.empty for p in parameters)


def test_unknown_name():
    with pytest.raises(AttributeError, match=r"no attribute 'trian'; it has .*, screen, .*, train"):
        _ = molgraph.trian


def test_import_is_light():
    heavy = ("torch", "rdkit", "numpy", "pandas", "pyarrow", "sklearn", "torch_geometric", "deepchem", "cuik_molmaker")
    code = f"import sys, molgraph; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout.strip() == "[]"


def test_version_is_that_of_the_distribution():
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{molgraph.__version__}"' in text


def test_packages_are_all_installed(library):
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    packages = {
        ".".join(path.relative_to(REPOSITORY).parts[:-1]) for path in (REPOSITORY / "molgraph").rglob("__init__.py")
    }
    assert [package for package in sorted(packages) if f'"{package}"' not in text] == []


# Calls by name and by attribute, and modules, that the library has no use for.
FORBIDDEN_CALLS = {"print", "eval", "exec", "compile", "__import__", "input"}
FORBIDDEN_ATTRIBUTES = {("logging", "basicConfig"), ("torch", "load"), ("torch", "save"), ("warnings", "warn")}
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def test_the_library_neither_prints_nor_runs_what_it_reads(library):
    wrong = []
    for module, tree in library.items():
        for node in ast.walk(tree):
            found = ""
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
                found = node.func.id
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                found = node.attr if (node.value.id, node.attr) in FORBIDDEN_ATTRIBUTES else ""
            elif isinstance(node, ast.Import):
                found = next((a.name for a in node.names if a.name.split(".")[0] in FORBIDDEN_MODULES), "")
            elif isinstance(node, ast.ImportFrom):
                found = node.module if node.module.split(".")[0] in FORBIDDEN_MODULES else ""
            if found:
                wrong.append(f"{module}:{node.lineno} {found}")
    assert wrong == []


def test_files_and_functions_are_short(library, command_line):
    wrong = []
    for module, tree in {**library, **command_line}.items():
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        if max((node.end_lineno for node in ast.walk(tree) if hasattr(node, "end_lineno")), default=0) > 500:
            wrong.append(f"{module} has more than 500 lines")
        for function in functions:
            has_docstring = ast.get_docstring(function) is not None
            start = function.body[0].end_lineno + 1 if has_docstring else function.body[0].lineno
            if function.end_lineno - start + 1 > 60:
                wrong.append(f"{module}.{function.name} has {function.end_lineno - start + 1} lines")
    assert wrong == []


def test_errors_are_one_tree():
    from molgraph import errors

    kinds = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert all(issubclass(kind, molgraph.MolgraphError) for kind in kinds)
    assert [kind.__name__ for kind in kinds if kind.__name__ not in errors.__doc__] == []
