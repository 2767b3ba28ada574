"""Writes the mini suite: `python tests/tools/mini_suite/generate.py [FOLDER]`.

Each truth is computed from clean records, before the records are written out in the dirty form
that a task attaches. The output depends on nothing but this folder's code.
"""

import json
import shutil
import sys
from pathlib import Path
from random import Random

import level1
import level2
import level3
import weights

SUITE = Path(__file__).parents[3] / "treeact" / "benchmarks" / "suites" / "mini"
TASKS = {**level1.TASKS, **level2.TASKS, **level3.TASKS, **weights.TASKS}


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
                "level": int(task_id.split("-")[1]),
                "question": item.question,
                "files": files,
                "answer": item.answer,
            }
        )
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "tasks.jsonl").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else SUITE)
