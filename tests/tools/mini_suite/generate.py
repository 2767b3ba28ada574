"""Writes the mini suite: `python tests/tools/mini_suite/generate.py [FOLDER]`.

Each truth is computed from clean records, before the records are written out in the dirty form
that a task attaches. The output depends on nothing but this folder's code.
"""

import json
import shutil
import sys
from pathlib import Path
from random import Random

import documents
import level1
import level2
import level3
import mail
import puzzles
import records
import several
import signals
import weights

SUITE = Path(__file__).parents[3] / "treeact" / "benchmarks" / "suites" / "mini"
MODULES = [level1, level2, level3, documents, records, mail, signals, several, puzzles, weights]


def _level(task_id: str) -> int:
    return int(task_id.split("-")[1])


TASKS = {
    task_id: module.TASKS[task_id]
    for level in (1, 2, 3)
    for module in MODULES
    for task_id in module.TASKS
    if _level(task_id) == level
}


def generate(folder: Path) -> None:
    shutil.rmtree(folder / "files", ignore_errors=True)
    rows = []
    for task_id, generator in TASKS.items():
        attached = folder / "files" / task_id
        attached.mkdir(parents=True, exist_ok=True)
        item = generator(attached, Random(task_id))
        files = sorted(path.name for path in attached.iterdir())
        if not files:
            attached.rmdir()
        rows.append(
            {
                "task_id": task_id,
                "level": _level(task_id),
                "question": item.question,
                "files": files,
                "answer": item.answer,
            }
        )
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "tasks.jsonl").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else SUITE)
