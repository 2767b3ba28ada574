"""`treeact doctor`: what works on this machine, and what to do about the rest."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    name: str
    usable: bool
    detail: str
    """Why and how it is usable, or what to do so that it is."""


def run_doctor(*, as_json: bool) -> None:
    """Print what was found."""
    findings = asyncio.run(_examine())
    if as_json:
        sys.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=2) + "\n")
        return
    for finding in findings:
        mark = "ok " if finding.usable else "-- "
        sys.stdout.write(f"{mark} {finding.what:<8} {finding.name:<18} {finding.detail}\n")


async def _examine() -> list[Finding]:
    sandboxes, models = await asyncio.gather(_sandboxes(), _models())
    return [*sandboxes, *models]


async def _sandboxes() -> list[Finding]:
    from treeact.sandbox.select import KINDS, SAFE_KINDS, sandbox_class

    findings = []
    for kind in KINDS:
        reason = await sandbox_class(kind).available()
        detail = "isolated" if kind in SAFE_KINDS else "no isolation: only for code you trust"
        findings.append(Finding("sandbox", kind, reason is None, reason or detail))
    return findings


async def _models() -> list[Finding]:
    from treeact.models import probe_models

    return [
        Finding(
            "model",
            probe.title,
            probe.usable,
            probe.detail if probe.usable else f"{probe.detail}: {probe.remedy}",
        )
        for probe in await probe_models(os.environ)
    ]
