"""The pages that are made from the code while mkdocs builds: run by the plugin gen-files."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

# gen-files runs this file by its path, so its folder is not among those that imports look in.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from api_page import api_page
from benchmark_methods_page import benchmark_methods_page
from columns_page import columns_page
from command_line_page import command_line_page
from settings_page import settings_page

#: What makes each page.
PAGES: Mapping[str, Callable[[], str]] = {
    "api.md": api_page,
    "benchmark-methods.md": benchmark_methods_page,
    "columns.md": columns_page,
    "command-line.md": command_line_page,
    "settings.md": settings_page,
}

if __name__ == "<run_path>":  # by gen-files; tests import the table alone
    import mkdocs_gen_files

    for name, make in PAGES.items():
        with mkdocs_gen_files.open(name, "w") as page:
            page.write(make())
