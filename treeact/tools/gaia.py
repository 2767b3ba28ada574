"""The tools for questions about the world and its documents, such as those of GAIA.

GAIA: a benchmark for General AI Assistants (Mialon et al. 2023, arXiv 2311.12983); its questions
need web pages, documents, tables and pictures.
"""

from __future__ import annotations

import os

from treeact.tools.documents.reading import look, read_document
from treeact.tools.function import Tool
from treeact.tools.web.brave import KEY_VARIABLE, Brave
from treeact.tools.web.fetch import FetchLimits
from treeact.tools.web.pages import make_download, make_visit_page
from treeact.tools.web.search import Ddgs, SearchEngine, make_web_search

LIMITS = FetchLimits()


def gaia_tools(
    *, engine: SearchEngine | None = None, limits: FetchLimits = LIMITS
) -> tuple[Tool, ...]:
    """Return `read_document`, `look`, `web_search`, `visit_page` and `download`.

    They work in a run: its working folder is where documents are read and downloads are put, and
    its model looks at pictures. What needs a package that is not installed says so when called.

    Args:
        engine: what searches the web; by default Brave's service where the environment has a key
            for it (`BRAVE_API_KEY`), else public engines, through `ddgs`.
        limits: what one visit may do; a download may be five times as large and take twice as long.
    """
    return (
        read_document,
        look,
        make_web_search(engine or _engine()),
        make_visit_page(limits),
        make_download(limits),
    )


def _engine() -> SearchEngine:
    key = os.environ.get(KEY_VARIABLE, "").strip()
    return Brave(key) if key else Ddgs()
