"""Tasks about pictures and sound, drawn so that code can read them to the pixel and the sample."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from random import Random

import formats
from item import Generator, Item
from PIL import Image, ImageDraw

RATE = 8000


def _tone(hertz: float, seconds: float, loud: float) -> Iterator[float]:
    for index in range(round(seconds * RATE)):
        yield loud * math.sin(2 * math.pi * hertz * index / RATE)


def _hiss(seconds: float, random: Random) -> Iterator[float]:
    for _ in range(round(seconds * RATE)):
        yield random.uniform(-0.02, 0.02)


def tones(folder: Path, random: Random) -> Item:
    """Tones of several loudnesses and lengths; only their pitch counts."""
    samples = list(_hiss(0.4, random))
    truth = 0
    for _ in range(27):
        high = random.random() < 0.55
        hertz = random.uniform(900, 1500) if high else random.uniform(200, 420)
        samples += _tone(hertz, random.uniform(0.08, 0.16), random.choice([0.3, 0.5, 0.9]))
        samples += _hiss(random.uniform(0.12, 0.3), random)
        truth += high
    formats.write_wav(folder / "buoy.wav", samples, RATE)
    return Item(
        "The attached recording of a buoy is a row of single tones, parted by at least a tenth of "
        "a second of faint hiss. How many of the tones are high, which means 600 Hz or more? "
        "Give a number.",
        str(truth),
    )


def strip(folder: Path, random: Random) -> Item:
    """The gaps between the bars differ in width as well, and mean nothing."""
    bits = [1, *(random.randint(0, 1) for _ in range(20))]
    image = Image.new("L", (520, 90), 255)
    draw = ImageDraw.Draw(image)
    left = 24
    for bit in bits:
        width = 12 if bit else 4
        draw.rectangle((left, 10, left + width - 1, 79), fill=random.randint(0, 90))
        left += width + random.choice([3, 5, 12, 14])
    image.save(folder / "strip.png")
    return Item(
        "The attached picture shows a strip of dark upright bars on white. A bar 4 pixels wide is "
        "the binary digit 0, a bar 12 pixels wide is 1; the white gaps between them mean nothing. "
        "Read from left to right, the bars are one binary number, its highest digit first. Give "
        "that number in decimal.",
        str(int("".join(map(str, bits)), 2)),
    )


def plate(folder: Path, random: Random) -> Item:
    """The catalogue counts its rows from the foot of the picture; some stars are not in it."""
    width, height = 480, 360
    image = Image.new("L", (width, height), 18)
    draw = ImageDraw.Draw(image)
    cells = random.sample(range(24 * 18), 70)
    rows, missing = [], 0
    for number, cell in enumerate(cells[:58]):
        x, y = cell % 24 * 20 + random.randint(6, 14), cell // 24 * 20 + random.randint(6, 14)
        rows.append((f"N{number + 1:02}", x, height - 1 - y, random.randint(60, 119) / 10))
        if random.random() < 0.25:
            missing += 1
        else:
            _star(draw, x + random.randint(-1, 1), y + random.randint(-1, 1), random)
    for cell in cells[58:]:
        _star(draw, cell % 24 * 20 + 10, cell // 24 * 20 + 10, random)
    image.save(folder / "plate.png")
    formats.write_csv(folder / "catalogue.tsv", [("star", "x", "y", "mag"), *rows], delimiter="\t")
    return Item(
        "The attached picture is a plate of the sky, bright stars on a dark ground, and the table "
        "is a catalogue: x counts pixels from the left edge, y counts pixels from the bottom edge "
        "upwards, both from 0. A star of the catalogue is on the plate if a pixel brighter than "
        "100 (of 255) lies within 3 pixels of its place in x and in y. How many stars of the "
        "catalogue are not on the plate? Give a number.",
        str(missing),
    )


def _star(draw: ImageDraw.ImageDraw, x: int, y: int, random: Random) -> None:
    size = random.choice([0, 1, 1, 2])
    draw.rectangle((x - size, y - size, x + size, y + size), fill=random.randint(140, 255))


def flood(folder: Path, random: Random) -> Item:
    """One sheet is upside down and the other in feet; low ground behind dikes stays dry."""
    size = 120
    peaks = [
        (random.randint(9, 239), random.randint(0, 110), random.uniform(5, 15)) for _ in range(48)
    ]
    heights = [[_height(x, y, peaks) for x in range(2 * size)] for y in range(size)]
    west, east = Image.new("L", (size, size)), Image.new("L", (size, size))
    grid = {}
    for y in range(size):
        for x in range(2 * size):
            if x < size:
                shade = min(250, round(heights[y][x] * 5))
                west.putpixel((size - 1 - x, size - 1 - y), shade)
                grid[x, y] = shade / 5 <= 12.1
            else:
                shade = min(250, round(heights[y][x] / 0.3048 * 2))
                east.putpixel((x - size, y), shade)
                grid[x, y] = shade / 2 * 0.3048 <= 12.1
    west.save(folder / "sheet_west.png")
    east.save(folder / "sheet_east.png")
    notes = {
        "sheets": [
            {"file": "sheet_west.png", "metres_per_grey": 0.2, "place": "west half"},
            {"file": "sheet_east.png", "feet_per_grey": 0.5, "place": "east half"},
        ],
        "pixel": "one hectare",
        "north": "up",
        "remarks": [
            "The sheets join along the east edge of the west sheet, without a gap or an overlap.",
            "The west sheet was scanned upside down (turned by 180 degrees) and left like that.",
            "1 foot = 0.3048 m. Grey 0 is sea level.",
        ],
    }
    formats.write_text(folder / "sheets.json", json.dumps(notes, indent=1) + "\n")
    return Item(
        "The attached pictures are two sheets of a map of heights in shades of grey, and the file "
        "beside them says how they are read and joined. The sea rises until the water stands 12.1 "
        "m above sea level; it comes in at the pixel in the south-west corner of the joined map, "
        "and flows on to any pixel that is 12.1 m high or lower and shares a side with a flooded "
        "one. How many hectares are flooded? Give a number.",
        str(_flooded(grid, (0, size - 1))),
    )


DIKES = ((70, 40, 19), (176, 77, 24))
"""Round dikes: the middle and the radius."""


def _height(x: int, y: int, peaks: list[tuple[int, int, float]]) -> float:
    ground = 4 + sum(top * math.exp(-((x - a) ** 2 + (y - b) ** 2) / 160) for a, b, top in peaks)
    return ground + 12 * any(abs(math.hypot(x - a, y - b) - r) < 1.5 for a, b, r in DIKES)


def _flooded(low: dict[tuple[int, int], bool], start: tuple[int, int]) -> int:
    assert low[start]
    wet, edge = {start}, [start]
    while edge:
        x, y = edge.pop()
        for near in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            if low.get(near) and near not in wet:
                wet.add(near)
                edge.append(near)
    assert len(wet) < sum(low.values()) - 200, "there should be low ground that stays dry"
    return len(wet)


LETTERS = "ABDEGHIKLMNOPRSTUVWY"


def tape(folder: Path, random: Random) -> Item:
    """The tape was played backwards, and two of the letters were changed in the code later."""
    codes = random.sample([f"{number:05b}" for number in range(1, 31)], len(LETTERS))
    code = dict(zip(LETTERS, codes, strict=True))
    said = "HOIST THE GREEN LAMP AT EIGHT"
    samples = list(_hiss(0.3, random))
    for character in said:
        if character == " ":
            samples += _hiss(0.35, random)
            continue
        for bit in code[character]:
            samples += _tone(700, 0.06 if bit == "1" else 0.02, 0.7)
            samples += _hiss(0.02, random)
        samples += _hiss(0.1, random)
    formats.write_wav(folder / "tape.wav", reversed(samples), RATE)
    printed = code | {"G": code["L"], "L": code["G"]}
    lines = [f"{letter}  {bits}" for letter, bits in printed.items()]
    formats.write_text(
        folder / "code.txt",
        "CODE OF THE SIGNAL STATION\n\nA letter is five pulses of one tone: short (20 ms) is 0, "
        "long (60 ms) is 1.\nPauses: 20 ms between the pulses of a letter, 120 ms between "
        "letters, more than 400 ms between words.\n\n" + "\n".join(lines) + "\n\n"
        "Erratum: the printer exchanged the codes of G and L in this table; each has the other's.\n"
        "Archive: tape 12 was wound from the wrong end when it was copied and runs backwards.\n",
    )
    return Item(
        "The attached sound is tape 12 of a signal station, and the text says how its code is "
        "read. What is the message? Give its words in capital letters.",
        said,
    )


TASKS: dict[str, Generator] = {
    "mini-1-tones": tones,
    "mini-1-strip": strip,
    "mini-2-plate": plate,
    "mini-3-flood": flood,
    "mini-3-tape": tape,
}
