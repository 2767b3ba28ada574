"""Reports that may be handed on: figures stay, texts of strangers go."""

from __future__ import annotations

from dataclasses import replace

from treeact.benchmarks.results import Results, Row

LEFT_OUT = "[left out]"

GATED = frozenset({"gaia"})
"""Suites whose rows must not be published."""
ROLES = frozenset({"agent", "judge", "planner", "replanner"})
"""Roles that are always called so; plans name further ones, in the words of a task."""


def redact(results: Results) -> Results:
    """Return results without any text of a task, an answer, or the configuration's author.

    What stays are ids, levels, states, verdicts, and figures. GAIA's terms forbid to publish its
    rows; questions, truths and traces are not part of results, and reports without texts never
    read them.
    """
    manifest = results.manifest
    played = manifest.config.model.startswith("replay:")  # from a folder of its author's
    config = manifest.config.model_copy(
        update={
            "data": None,
            "library": None,
            "base_url": None,
            "model": "replay" if played else manifest.config.model,
            "instructions": manifest.config.instructions and LEFT_OUT,
        }
    )
    faults = tuple(LEFT_OUT for _ in manifest.faults)
    return replace(
        results,
        manifest=manifest.model_copy(update={"config": config, "faults": faults}),
        rows=tuple(map(_redact, results.rows)),
    )


def _redact(row: Row) -> Row:
    return replace(
        row,
        tags=(),
        message=row.message and LEFT_OUT,
        answer=None if row.answer is None else LEFT_OUT,
        ledger=row.ledger.renamed(lambda role: role if role in ROLES else "other roles"),
        scoring_error=row.scoring_error.partition(":")[0],
    )
