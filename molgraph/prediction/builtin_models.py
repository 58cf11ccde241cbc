"""The built-in models, by name: the panel, and each endpoint of it."""

from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import get_args

from molgraph.errors import InputError
from molgraph.files.frames import Readable
from molgraph.model_folder.card import EndpointGroup
from molgraph.spelling import did_you_mean
from molgraph.storage.checked_folder import CARD, sealed_noun
from molgraph.storage.decode import decode_json

#: Stands for all built-in models; `panel:a,b` for some.
PANEL = "panel"


@cache
def builtin_models() -> dict[str, Path]:
    """Folder of each model that is built into this installation, by name: toxicity first, then ADME, and so on.

    Empty where none is.

    >>> "herg" in builtin_models()
    True
    """
    folder = Path(str(resources.files("molgraph_data"))) / "models"
    found = [own for own in sorted(folder.glob("*")) if (own / CARD).is_file()]
    groups: tuple[str, ...] = get_args(EndpointGroup)
    return {own.name: own for own in sorted(found, key=lambda own: groups.index(_group(own)))}


def model_folders(models: Sequence[str | Path]) -> tuple[Path, ...]:
    """The folders that are meant: names of built-in models are looked up, and folders stay as they are.

    A folder that exists goes before a model of the same name.

    Args:
        models: Folders; names of endpoints; `panel` for all of them, `panel:herg,ames` for some.

    Raises:
        InputError: A name is none, or what is asked for comes twice.

    >>> [folder.name for folder in model_folders(["panel:herg,ames"])]
    ['herg', 'ames']
    """
    folders = tuple(folder for model in models for folder in _folders(model))
    if len({folder.resolve() for folder in folders}) < len(folders):
        twice = next(folder for place, folder in enumerate(folders) if folder in folders[:place])
        raise InputError(f"the model {twice.name!r} is asked for twice; once is enough")
    return folders


def refuse_swapped(models: Sequence[str | Path], source: Readable) -> None:
    """Refuse swapped arguments: a model where a file is read, or a file where a model is.

    Raises:
        InputError: The two stand in the wrong order.

    >>> refuse_swapped(["herg"], "library.smi")
    """
    files = [model for model in models if Path(model).is_file()]
    if files and isinstance(source, str | Path) and is_model(source):
        raise InputError(
            f"{source} is a model, and {files[0]} is a file; the model comes first, then what is read: "
            f"{source} {files[0]}"
        )


def is_model(text: str | Path) -> bool:
    """Whether this is a model folder, or the name of models that are built in."""
    if Path(text).exists():
        return sealed_noun(text) == "model"
    name = str(text)
    return name in {PANEL, *builtin_models()} or name.startswith(f"{PANEL}:")


def model_folder(model: str | Path) -> Path:
    """The one folder that is meant, see `model_folders`.

    Raises:
        InputError: The name is none, or means several models.
    """
    folders = model_folders([model])
    if len(folders) != 1:
        raise InputError(
            f"{str(model)!r} means {len(folders)} models, and one is needed; name one of them, e.g. {folders[0].name!r}"
        )
    return folders[0]


def _group(folder: Path) -> str:
    """What the card says; the card is checked when the model is loaded, which takes torch."""
    return str(decode_json((folder / CARD).read_bytes())["about"]["group"])


def _folders(model: str | Path) -> tuple[Path, ...]:
    if isinstance(model, Path) and len(model.parts) != 1:
        return (model,)
    text = str(model)
    if Path(text).exists():
        return (Path(text),)
    folders = builtin_models()
    if text == PANEL and folders:
        return tuple(folders.values())
    prefix, colon, rest = text.partition(":")
    if prefix == PANEL and colon:
        names = [name.strip() for name in rest.split(",") if name.strip()]
        if not names:
            raise InputError(f"{text!r} names no endpoint; give some, e.g. {_example(folders)}")
        return tuple(_folder_of(name, folders) for name in names)
    if text in folders:
        return (folders[text],)
    if any(sign in text for sign in "/\\."):
        return (Path(text),)  # a folder that is not there, and no name: the reader of folders says so
    hint = did_you_mean(text, [PANEL, *folders]).rstrip() or "give a folder that molgraph train wrote"
    raise InputError(
        f"there is no folder {text!r}, and no built-in model of that name; {hint} "
        "(molgraph models list shows all names)"
    )


def _folder_of(name: str, folders: dict[str, Path]) -> Path:
    if name not in folders:
        hint = did_you_mean(name, folders)
        raise InputError(f"the panel has no endpoint {name!r}; {hint}(molgraph models list shows all names)")
    return folders[name]


def _example(folders: dict[str, Path]) -> str:
    return "panel:" + ",".join(list(folders)[:2]) if folders else "panel:herg"
