"""Tasks about documents that people or programs write: Markdown, TOML, Python, slides, Word."""

from pathlib import Path
from random import Random

import formats
import word
from item import Generator, Item, the_most
from pptx import Presentation


def changelog(folder: Path, random: Random) -> Item:
    """Versions that never came out or were withdrawn, and remarks indented under the entries."""
    fixed = {"3.3.0": 5, "3.2.2": 8, "3.2.1": 3, "3.2.0": 6, "3.1.4": 4, "3.1.3": 7, "3.1.2": 2}
    fixed |= {"3.1.1": 5, "3.1.0": 1, "3.0.1": 6, "3.0.0": 4}
    withdrawn = {"3.2.2"}
    lines = ["# Changes of Plover, a recorder for weather stations", "", "## Unreleased", ""]
    lines += ["### Fixed", *(f"- {_fix(random)}" for _ in range(9)), ""]
    for index, (version, count) in enumerate(fixed.items()):
        mark = " (withdrawn)" if version in withdrawn else ""
        lines += [f"## {version} - 2024-{11 - index:02}-{random.randint(1, 28):02}{mark}", ""]
        lines += ["### Added", *(f"- {_fix(random)}" for _ in range(random.randint(6, 9)))]
        lines += ["", "### Fixed"]
        for _ in range(count):
            lines.append(f"{random.choice('-*')} {_fix(random)}")
            below = 2 if version == "3.2.0" else random.choice([0, 0, 1])
            lines += [f"  - {_fix(random)}" for _ in range(below)]
        lines += ["", "### Removed", f"- {_fix(random)}", ""]
    formats.write_text(folder / "CHANGES.md", "\n".join(lines))
    released = {version: count for version, count in fixed.items() if version not in withdrawn}
    return Item(
        "Which released version in the attached list of changes, other than withdrawn ones, has "
        "the most entries under 'Fixed'? Indented lines belong to the entry above them and are no "
        "entries of their own. Give the version as it stands in its heading.",
        the_most(released),
    )


def _fix(random: Random) -> str:
    what = random.choice(["Gauge", "Clock", "Export", "Radio link", "Wind vane", "Map", "Log file"])
    how = random.choice(["after midnight", "without a battery", "at sea level", "in summer time"])
    return f"{what} {how} (#{random.randint(100, 999)})"


def slides(folder: Path, random: Random) -> Item:
    """Some slides are hidden, and the trees that died are not asked for."""
    streets = ["Quay Street", "Mill Lane", "Harbour Walk", "Priory Road", "Station Square"]
    streets += ["Sandgate", "Cooper's Row", "Long Acre", "North Parade", "Ropewalk", "Fish Steps"]
    hidden = {"Harbour Walk", "Sandgate", "North Parade"}
    deck, truth = Presentation(), 0
    first = deck.slides.add_slide(deck.slide_layouts[0])
    first.shapes.title.text = "Street trees 2024"
    for street in streets:
        planted, died = random.randint(11, 96), random.randint(1, 10)
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = street
        kinds = random.sample(["lime", "rowan", "hornbeam", "field maple"], 2)
        text = f"{planted} trees planted\n{died} of them died\nMostly {kinds[0]} and {kinds[1]}"
        slide.placeholders[1].text = text
        if street in hidden:
            slide._element.set("show", "0")
        else:
            truth += planted
    formats.save_office(folder / "street_trees.pptx", deck)
    return Item(
        "How many trees were planted, according to the slides of the attached deck that are not "
        "hidden? Do not subtract those that died. Give a number.",
        str(truth),
    )


def exhibition(folder: Path, random: Random) -> Item:
    """The text of a cell is broken into runs, and materials are written in more than one way."""
    objects = ["Beaker", "Lantern", "Bowl", "Float", "Ewer", "Window panel", "Inkwell", "Salt"]
    materials = ["glass", "Glass", "silver", "glass and pewter", "oak", "earthenware", "glaze"]
    rows, truth = [["No.", "Object", "Material", "Insured for"]], 0
    for number in range(1, 29):
        material, pounds = random.choice(materials), random.randint(120, 8400)
        truth += pounds if "glass" in material.lower() else 0
        cells = (str(number), random.choice(objects), material, f"£ {pounds:,}")
        rows.append([_in_pieces(cell, random) for cell in cells])
    heading = word.paragraph(word.run("Loans for the exhibition 'Light and Water'"))
    plain = [[word.run(cell) for cell in rows[0]], *rows[1:]]
    word.write_docx(folder / "loans.docx", [heading, word.table(plain)])
    return Item(
        "The attached document lists objects lent to an exhibition. For how many pounds are the "
        "objects insured, all together, that are made wholly or partly of glass? (Glaze is not "
        "glass.) Give a plain number without thousands separators.",
        str(truth),
    )


def _in_pieces(text: str, random: Random) -> str:
    cut = random.randint(0, len(text))
    return "".join(word.run(piece) for piece in (text[:cut], text[cut:]) if piece)


def lamps(folder: Path, random: Random) -> Item:
    """What a zone does not say stands in the defaults, also whether it is switched on."""
    defaults = {"lamps": 24, "watts": 150, "hours": 9, "on": True}
    zones, total = [], 0
    for name in ["seedlings", "basil", "orchids", "cress", "ferns", "chillies", "mosses", "figs"]:
        own = {
            "lamps": random.randint(6, 60),
            "watts": random.randrange(60, 400, 10),
            "hours": random.randint(4, 16),
            "on": random.random() < 0.6,
        }
        zone = {key: value for key, value in own.items() if random.random() < 0.55}
        zones.append((name, zone))
        full = defaults | zone
        total += full["on"] * full["lamps"] * full["watts"] * full["hours"]
    lines = ["# Lighting plan of the propagation house", "[defaults]", *_toml(defaults)]
    for name, zone in zones:
        lines += ["", "[[zone]]", f'name = "{name}"', *_toml(zone)]
    formats.write_text(folder / "lighting.toml", "\n".join(lines) + "\n")
    return Item(
        "The attached file is the lighting plan of a greenhouse: for each zone the number of "
        "lamps, the watts of one lamp, the hours of light per day, and whether the zone is on. "
        "What a zone leaves out is taken from the defaults. How many watt-hours do all zones that "
        "are on use in a day? Give a plain number without thousands separators.",
        str(total),
    )


def _toml(values: dict[str, int]) -> list[str]:
    return [f"{key} = {str(value).lower()}" for key, value in values.items()]


def source(folder: Path, random: Random) -> Item:
    """Functions in classes and in functions, coroutines, and text that only looks like one."""
    names = ["open_gate", "close_gate", "level", "read_gauge", "notify", "average", "spill"]
    names += ["history", "forecast", "refill", "drain", "check", "export", "parse", "retry"]
    lines = ['"""Gates of a river.', "", "    def example():", "        return 1", '"""', ""]
    truth, indent = 0, ""
    for index, name in enumerate(names):
        if index in (4, 10):
            lines += ["", f"class Weir{index}:", f'    """Gates of weir {index}."""', ""]
            indent = "    "
        keyword = random.choice(["def", "def", "async def"])
        lines.append(f"{indent}{keyword} {name}(self, amount=0):")
        truth += _body(lines, indent + "    ", name, random)
        if random.random() < 0.3:
            lines.append(f"{indent}    def inner(value):")
            truth += _body(lines, indent + "        ", "inner", random)
            lines.append(f"{indent}    return inner(amount)")
        lines.append("")
    lines += ["# def forgotten(x):", "#     return x", "double = lambda amount: 2 * amount"]
    formats.write_text(folder / "weir.py", "\n".join(lines) + "\n")
    return Item(
        "How many of the functions that the attached Python module defines with def or async def, "
        "methods and functions inside functions included, have no docstring? Give a number.",
        str(truth),
    )


def _body(lines: list[str], indent: str, name: str, random: Random) -> int:
    """Add a function's body; return 1 if it has no docstring."""
    start = random.choice(["doc", "doc", "comment", "nothing", "late"])
    if start == "doc":
        lines.append(f'{indent}"""Work on {name}."""')
    if start == "comment":
        lines.append(f"{indent}# Work on {name}.")
    lines.append(f"{indent}total = {random.randint(1, 9)}")
    if start == "late":
        lines.append(f'{indent}"""The total is in litres."""')
    return start != "doc"


def codebook(folder: Path, random: Random) -> Item:
    """Tracked changes swap two codes; remarks hold commas that no one quoted."""
    people: dict[int, tuple[int, int]] = {}
    rows = []
    for minute in range(170):
        person = random.randint(301, 420)
        way, minutes = random.randint(1, 5), random.choice([*range(5, 95), *[99] * 14, *[999] * 16])
        remark = random.choice(["", "", "fine", "late, as ever", 'wet, cold, "crowded"', "n/a"])
        people[person] = (way, minutes)
        rows.append(
            f"{person},2024-03-{4 + minute // 60:02} 09:{minute % 60:02},{way},{minutes},{remark}"
        )
    random.shuffle(rows)
    text = "\n".join(["respondent,answered,way,minutes,remark", *rows]) + "\n"
    formats.write_text(folder / "answers.csv", text)
    codes = [("1", word.run("on foot")), ("2", word.run("bicycle"))]
    codes += [("3", word.deleted("tram") + word.inserted("ferry")), ("4", word.run("bus"))]
    codes += [("5", word.deleted("ferry") + word.inserted("tram"))]
    word.write_docx(
        folder / "codebook.docx",
        [
            word.paragraph(word.run("Code book, survey of ways to work, March 2024")),
            word.paragraph(word.run("way: the main way of travelling")),
            word.table([[word.run(code), name] for code, name in codes]),
            word.paragraph(
                word.run("minutes: of one journey; "),
                word.deleted("99"),
                word.inserted("999"),
                word.run(" stands for no answer."),
            ),
            word.paragraph(
                word.run("A respondent who answered more than once counts with the "),
                word.deleted("first"),
                word.inserted("last"),
                word.run(" answer only, whatever it says."),
            ),
        ],
    )
    truth = sum(minutes for way, minutes in people.values() if way == 3 and minutes != 999)
    return Item(
        "The attached files are the answers to a survey and its code book. The tracked changes in "
        "the code book were all accepted before the survey began. How many minutes do the "
        "journeys of all respondents take together whose main way is the ferry? Those who gave no "
        "minutes add nothing. Give a number.",
        str(truth),
    )


TASKS: dict[str, Generator] = {
    "mini-1-changelog": changelog,
    "mini-1-slides": slides,
    "mini-1-exhibition": exhibition,
    "mini-1-lamps": lamps,
    "mini-1-source": source,
    "mini-3-codebook": codebook,
}
