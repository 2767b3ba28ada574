"""Writes the learning suite: `python tests/tools/learning_suite/generate.py [FOLDER]`.

Both tasks have weights in stones, pounds and ounces, written in several ways; each truth is
computed from the ounces before they are written out.
"""

import json
import sys
from pathlib import Path
from random import Random

SUITE = Path(__file__).parents[3] / "treeact" / "benchmarks" / "suites" / "learning"


def written(ounces: int, random: Random) -> str:
    """Write a weight as a clerk might: parts that are nothing are left out."""
    parts = [(ounces // 224, "st"), (ounces % 224 // 16, "lb"), (ounces % 16, "oz")]
    gap = random.choice(["", " "])
    text = random.choice([" ", ", "]).join(f"{n}{gap}{unit}" for n, unit in parts if n)
    return text.upper() if random.random() < 0.2 else text


def flour(folder: Path) -> tuple[str, str]:
    """Return question and answer of the first task."""
    random = Random("flour")
    lines, total = ["TIDE MILL, flour sold, May 1911", ""], 0
    for day in range(1, 32):
        ounces = random.choice([random.randint(20, 1200), 224 * random.randint(1, 4)])
        lines.append(f"May {day}: {written(ounces, random)}")
        total += ounces
    (folder / "tide_mill.txt").write_text("\n".join(lines) + "\n")
    question = (
        "The attached book lists the flour that a mill sold, in stones (st, 14 pounds), pounds "
        "(lb, 16 ounces) and ounces (oz). How many ounces did it sell in all? Give a number."
    )
    return question, str(total)


def catch(folder: Path) -> tuple[str, str]:
    """Return question and answer of the second task."""
    random = Random("catch")
    boats: dict[str, int] = dict.fromkeys(["Tern", "Ingrid B", "Pelican", "Halcyon"], 0)
    rows = ["boat;fish;weight"]
    for _ in range(40):
        boat, ounces = random.choice(list(boats)), random.randint(9, 700)
        rows.append(f"{boat};{random.choice(['cod', 'ling', 'hake'])};{written(ounces, random)}")
        boats[boat] += ounces
    (folder / "catch.csv").write_text("\n".join(rows) + "\n")
    last, best = sorted(boats.values())[0], sorted(boats.values())[-1]
    name = next(boat for boat, ounces in boats.items() if ounces == best)
    question = (
        "The attached list has the fish that four boats landed, with their weights in stones, "
        "pounds and ounces. Which boat landed the most by weight, and by how many ounces did it "
        "beat the boat that landed the least? Give the boat and the number, separated by a comma."
    )
    return question, f"{name}, {best - last}"


def generate(suite: Path) -> None:
    rows = []
    for task_id, make in (("learning-1-flour", flour), ("learning-2-catch", catch)):
        folder = suite / "files" / task_id
        folder.mkdir(parents=True, exist_ok=True)
        question, answer = make(folder)
        files = sorted(path.name for path in folder.iterdir())
        rows.append({"task_id": task_id, "level": int(task_id[9]), "question": question,
                     "files": files, "answer": answer})  # fmt: skip
    (suite / "tasks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else SUITE)
