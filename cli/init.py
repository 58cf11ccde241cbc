"""`molgraph init`: defaults of the user for all commands."""

from typing import Annotated

import typer

from molgraph.config.training import Device, Precision
from molgraph.config.user_defaults import ConcentrationUnit, OutputFormat

from .config_options import with_options
from .options import AsJson
from .text import show_json, show_line, show_table

EXAMPLE = """\b
Examples:
  molgraph init --device cpu --processes 4
  molgraph init --output-format parquet --unit nM
  molgraph init --show
"""


def init(
    ctx: typer.Context,
    *,
    device: Annotated[Device | None, typer.Option(help="Where to compute.")] = None,
    precision: Annotated[Precision | None, typer.Option(help="Number format of the products.")] = None,
    processes: Annotated[int | None, typer.Option(min=1, help="Processes that share the work.")] = None,
    memory: Annotated[
        float | None, typer.Option(metavar="GB", help="Memory that these may take together, about.")
    ] = None,
    level: Annotated[float | None, typer.Option(help="Nominal coverage of intervals and prediction sets.")] = None,
    output_format: Annotated[
        OutputFormat | None,
        typer.Option(help="Format of a table whose name has no ending, as in predict -o predictions."),
    ] = None,
    unit: Annotated[
        ConcentrationUnit | None,
        typer.Option(help="Unit of concentrations (IC50, Ki, ...) whose columns name none, as in train --unit."),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Show the defaults, and write nothing.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Delete earlier defaults.")] = False,
    as_json: AsJson = False,
) -> None:
    """Set your defaults for all commands; options on the command line and settings files take precedence."""
    from molgraph.config.user_defaults import VARIABLE, UserDefaults, defaults_path, load_defaults, save_defaults
    from molgraph.errors import InputError

    path = defaults_path()
    if path is None:
        raise InputError(f"{VARIABLE} is empty, so there is no file of defaults; name one, or unset it")
    given = with_options(UserDefaults(), ctx)
    if show and (given.given or reset):
        raise InputError("--show writes nothing; leave it out, or the other options")
    defaults = UserDefaults() if reset else load_defaults()
    if given.given or reset:
        defaults = with_options(defaults, ctx)
        save_defaults(path, defaults)
    if as_json:
        show_json({"file": str(path), "defaults": defaults.given})
        return
    show_line(f"defaults in {path}:" if defaults.given else f"no defaults are set ({path}); see molgraph init --help")
    if defaults.given:
        show_table([(f"  {name}", str(value)) for name, value in defaults.given.items()])
