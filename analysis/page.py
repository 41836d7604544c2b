"""Pages of one look, each in a single file that opens by itself anywhere."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

__all__ = ["rendered"]

_HERE = Path(__file__).parent


def rendered(template: str, **content: Any) -> str:
    """A page from a template of this room; what goes into it is escaped, and nothing may be missing."""
    style = Markup((_HERE / "page.css").read_text(encoding="utf-8"))
    return _environment().get_template(template).render(style=style, **content)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
