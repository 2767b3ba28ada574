"""`treeact trace usage`: the ledger of a run, from its trace alone."""

import json
from pathlib import Path

from tests.agents.support import agent, answer, code
from tests.cli.support import treeact


def test_a_run_is_added_up_by_role_phase_and_part(tmp_path: Path) -> None:
    replies = [code("print('x' * 800)"), answer("1")]
    result = agent(replies).run_sync("How long?", trace=tmp_path / "run")
    told = json.loads(treeact(tmp_path, "trace", "usage", str(tmp_path / "run"), "--json").stdout)
    (row,) = told["rows"]
    assert (row["role"], row["phase"], row["calls"]) == ("agent", "act", 2)
    assert sum(row["parts"].values()) == row["input"] == told["total"]["input"]
    assert row["input"] == result.ledger.total.usage.input_tokens
    assert row["parts"]["observation"] > row["parts"]["history"] > 0
    shown = treeact(tmp_path, "trace", "usage", str(tmp_path / "run")).stdout
    assert "observation" in shown
    assert "unknown" in shown
    assert "estimated" in shown
