"""Two tasks of which the first teaches what the second needs: weights in old units.

Both have them in stones, pounds and ounces, written in several ways; each truth is computed from
the ounces before they are written out.
"""

from pathlib import Path
from random import Random

from item import Generator, Item, the_most

STONE, POUND = 224, 16
"""In ounces."""


def flour(folder: Path, random: Random) -> Item:
    """Some parts of a weight are left out, and units stand in either case."""
    lines, total = ["TIDE MILL, flour sold, May 1911", ""], 0
    for day in range(1, 32):
        ounces = random.choice([random.randint(20, 1200), STONE * random.randint(1, 4)])
        lines.append(f"May {day}: {_written(ounces, random)}")
        total += ounces
    (folder / "tide_mill.txt").write_text("\n".join(lines) + "\n")
    return Item(
        "The attached book lists the flour that a mill sold, in stones (st, 14 pounds), pounds "
        "(lb, 16 ounces) and ounces (oz). How many ounces did it sell in all? Give a number.",
        str(total),
    )


def catch(folder: Path, random: Random) -> Item:
    """Weights as in the flour book, to be added up by boat."""
    boats: dict[str, int] = dict.fromkeys(["Tern", "Ingrid B", "Pelican", "Halcyon"], 0)
    rows = ["boat;fish;weight"]
    for _ in range(40):
        boat, ounces = random.choice(list(boats)), random.randint(9, 700)
        rows.append(f"{boat};{random.choice(['cod', 'ling', 'hake'])};{_written(ounces, random)}")
        boats[boat] += ounces
    (folder / "catch.csv").write_text("\n".join(rows) + "\n")
    return Item(
        "The attached list has the fish that four boats landed, with their weights in stones, "
        "pounds and ounces. Which boat landed the most by weight, and by how many ounces did it "
        "beat the boat that landed the least? Give the boat and the number, separated by a comma.",
        f"{the_most(boats)}, {max(boats.values()) - min(boats.values())}",
    )


def _written(ounces: int, random: Random) -> str:
    """Write a weight as a clerk might: parts that are nothing are left out."""
    parts = [(ounces // STONE, "st"), (ounces % STONE // POUND, "lb"), (ounces % POUND, "oz")]
    gap = random.choice(["", " "])
    text = random.choice([" ", ", "]).join(f"{n}{gap}{unit}" for n, unit in parts if n)
    return text.upper() if random.random() < 0.2 else text


TASKS: dict[str, Generator] = {"mini-1-flour": flour, "mini-2-catch": catch}
