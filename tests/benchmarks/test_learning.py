"""The learning suite: generated again it is the same, and its truths are not met by chance."""

import subprocess
import sys
from pathlib import Path

from treeact.benchmarks.scorers import gaia_score
from treeact.benchmarks.suites import load_suite

GENERATOR = Path(__file__).parents[1] / "tools" / "learning_suite" / "generate.py"
SUITE = load_suite("learning")


def test_the_generator_gives_the_committed_suite(tmp_path: Path) -> None:
    subprocess.run([sys.executable, GENERATOR, tmp_path], check=True, timeout=60)
    committed = SUITE.samples[0].task.files[0].parents[2]
    for path in [tmp_path / "tasks.jsonl", *(tmp_path / "files").rglob("*.*")]:
        assert path.read_bytes() == (committed / path.relative_to(tmp_path)).read_bytes()


def test_the_second_task_comes_after_the_first() -> None:
    assert [sample.task.id for sample in SUITE.samples] == ["learning-1-flour", "learning-2-catch"]
    assert gaia_score("Tern, 3722", SUITE.samples[1].truth)
    assert not gaia_score("Tern, 3721", SUITE.samples[1].truth)
