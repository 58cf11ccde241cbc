"""Messages of the library name settings as Python has them; flags are those of the command line alone."""

import ast
import re

from molgraph_cli.flags import with_flags

_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
_SETTING = re.compile(r"`((?:[a-z]+\.)?[a-z_]+)(?:=[^`]*)?`")

#: A flag of another program may be named.
_OTHERS = "ray start --head"


#: Meanings of columns name values of these, too.
_COLUMNS = {"molgraph.prediction.output_columns", "molgraph.screening.hit_columns"}


def messages(tree: ast.Module) -> list[str]:
    """All texts but docstrings."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


def test_no_message_of_the_library_names_a_flag(library):
    wrong = [
        f"{module}: {text}"
        for module, tree in library.items()
        for text in messages(tree)
        if _FLAG.search(text.replace(_OTHERS, ""))
    ]
    assert wrong == []


def test_each_setting_that_a_message_names_has_a_flag(library):
    named = {
        name: module
        for module, tree in library.items()
        if module not in _COLUMNS
        for text in messages(tree)
        for name in _SETTING.findall(text)
    }
    assert {"overwrite", "resume", "target_columns"} <= {*named}
    assert {name: module for name, module in named.items() if with_flags(f"`{name}`") == f"`{name}`"} == {}
