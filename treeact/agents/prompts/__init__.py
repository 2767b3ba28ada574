"""The agents' prompts, as Jinja templates beside this file."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def render(name: str, **variables: Any) -> str:
    """Return the template `name` filled with `variables`.

    Raises:
        jinja2.TemplateError: the template is missing, or uses a variable that was not given.
    """
    return _templates().get_template(f"{name}.md.jinja").render(**variables).strip()


def render_text(source: str, **variables: Any) -> str:
    """Return a template that is given as text, filled with `variables`.

    Raises:
        jinja2.TemplateError: the template is wrong, or uses a variable that was not given.
    """
    return _templates().from_string(source).render(**variables).strip()


@cache
def _templates() -> Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("treeact.agents", "prompts"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # prompts are plain text
        keep_trailing_newline=True,
        auto_reload=False,
    )
