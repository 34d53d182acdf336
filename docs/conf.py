"""Sphinx's settings. ``bin/docs`` builds the guide; what it shows is made by generate.py before."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT)]

import generate  # noqa: E402
from pygments.lexers.hexdump import HexdumpLexer  # noqa: E402
from sphinx.highlighting import lexers  # noqa: E402

from nlucompress import __version__  # noqa: E402

generate.generate(HERE / "generated")

project = "nlucompress"
version = release = __version__
copyright = "the nlucompress authors, Apache-2.0"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
exclude_patterns = ["_build", "generated"]
templates_path: list[str] = []
html_theme = "furo"
html_title = f"nlucompress {release}"
html_extra_path = ["generated/report"]
html_static_path = ["static"]
html_css_files = ["guide.css"]
html_copy_source = False
lexers["hex"] = HexdumpLexer()  # FORMAT.md's worked example
pygments_style = "friendly"
pygments_dark_style = "monokai"

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]

autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autosummary_generate = False
autodoc_type_aliases = {name: name for name in ("Floats", "Integers", "Source", "Data", "Progress")}

# -n finds references that lead nowhere. Types of annotations are written, and are no links: of other packages, and private.
nitpick_ignore_regex = [("py:class", r".*")]


def _replace_missing(app: object, name: str, text: list[str]) -> None:
    """A page that includes a file of the checkout that is not there says so."""
    if name == "security" and not (ROOT / "SECURITY.md").is_file():
        text[0] = "# Security\n\nThis checkout has no SECURITY.md.\n"


def setup(app: object) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _replace_missing)  # type: ignore[attr-defined]
