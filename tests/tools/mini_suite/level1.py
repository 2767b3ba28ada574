"""Level 1: one file, one or two steps, one small snare."""

from datetime import date, timedelta
from pathlib import Path
from random import Random

import formats
from item import Generator, Item, the_most
from PIL import Image, ImageDraw


def ledger(folder: Path, random: Random) -> Item:
    """Tonnages are text with thousands separators, and a header ends in a space."""
    cargoes = ["timber", "coal", "barley", "slate", "salt", "timber"]
    vessels = ["Halcyon", "Marigold", "Tern", "Ingrid B", "Old Resolve", "Pelican"]
    day, rows, truth = date(2023, 1, 3), [], 0
    while day.year == 2023:
        cargo, tonnes = random.choice(cargoes), random.randint(180, 2400)
        rows.append((day.isoformat(), random.choice(vessels), cargo, f"{tonnes:,}"))
        truth += tonnes if cargo == "timber" and 3 <= day.month <= 5 else 0
        day += timedelta(days=random.randint(1, 5))
    header = ("Date", "Vessel", "Cargo ", "Tonnes")
    formats.write_csv(folder / "port_anselm_2023.csv", [header, *rows])
    return Item(
        "The attached ledger lists every cargo that was landed at Port Anselm in 2023. How many "
        "tonnes of timber were landed in March, April and May together? Give a plain number "
        "without thousands separators.",
        str(truth),
    )


def birds(folder: Path, random: Random) -> Item:
    """A species without a count is one bird, and some remarks stand between brackets."""
    species = ["robin", "wren", "blackbird", "coot", "song thrush", "reed bunting", "swift"]
    lines = ["REEDMERE DAWN COUNT, 14 May 2024", "Observers: J. Alder, P. Finch", ""]
    truth = 0
    for minute in range(5 * 60 + 10, 8 * 60 + 30, 10):
        clock = f"{minute // 60:02}:{minute % 60:02}"
        if random.random() < 0.15:
            lines.append(f"{clock}  nothing seen (drizzle)")
            continue
        entries = []
        for name in random.sample(species, random.randint(1, 4)):
            count = random.choice([1, 1, 1, 2, 3, 4, 12])
            remark = random.choice(["", "", "", "", " (singing)", " (overhead)"])
            entries.append(name + (f" x{count}" if count > 1 else "") + remark)
            truth += count if minute >= 6 * 60 else 0
        lines.append(f"{clock}  " + ", ".join(entries))
    lines += ["", "A species with no number beside it is a single bird."]
    formats.write_text(folder / "reedmere.txt", "\n".join(lines) + "\n")
    return Item(
        "According to the attached field notes, how many birds of all kinds were counted at or "
        "after 06:00? Give a number.",
        str(truth),
    )


def discs(folder: Path, random: Random) -> Item:
    """Squares share the colours of the discs."""
    colours = {"blue": (36, 84, 190), "red": (200, 40, 44), "gold": (226, 176, 24)}
    image = Image.new("RGB", (640, 480), (250, 250, 246))
    draw = ImageDraw.Draw(image)
    truth = 0
    for cell in range(48):
        if random.random() < 0.2:
            continue
        colour, shape = random.choice(list(colours)), random.choice(["disc", "disc", "square"])
        radius = random.randint(12, 30)
        x = cell % 8 * 80 + 40 + random.randint(-5, 5)
        y = cell // 8 * 80 + 40 + random.randint(-5, 5)
        box = (x - radius, y - radius, x + radius, y + radius)
        (draw.ellipse if shape == "disc" else draw.rectangle)(box, fill=colours[colour])
        truth += (colour, shape) == ("blue", "disc")
    image.save(folder / "counters.png")
    return Item(
        "The attached picture shows game counters on a table, seen from above: discs and squares "
        "in three colours, none touching another. How many blue discs are there? Give a number.",
        str(truth),
    )


def menu(folder: Path, random: Random) -> Item:
    """Prices are text, so that the greatest text is not the greatest price; one price is null."""
    names = {
        "Small plates": ["Beetroot tartare", "Salt cod fritters", "Charred leeks", "Lamb ribs"],
        "Mains": ["Celeriac schnitzel", "Hake in cider", "Walnut ragu", "Mushroom wellington"],
        "Puddings": ["Poached quince", "Rice pudding", "Chocolate torte", "Lemon sorbet"],
    }
    vegan = {"Beetroot tartare", "Charred leeks", "Celeriac schnitzel", "Walnut ragu"}
    vegan |= {"Mushroom wellington", "Poached quince", "Lemon sorbet"}
    pence = {name: random.randrange(520, 990, 5) for part in names.values() for name in part}
    pence |= {"Celeriac schnitzel": 1345, "Walnut ragu": 1295, "Hake in cider": 1890}
    priced = {name: pence[name] for name in vegan - {"Mushroom wellington"}}
    sections = [
        {"section": part, "dishes": [_dish(name, vegan, pence) for name in dishes]}
        for part, dishes in names.items()
    ]
    text = formats.pretty_json({"house": "The Quiet Heron", "menu": sections})
    formats.write_text(folder / "menu.json", text)
    return Item(
        "What is the most expensive vegan dish on the attached menu? Leave out dishes that have "
        "no fixed price. Give the name of the dish as it is written there.",
        the_most(priced),
    )


def _dish(name: str, vegan: set[str], pence: dict[str, int]) -> dict:
    price = f"£{pence[name] // 100}.{pence[name] % 100:02}"
    dish: dict = {"name": name, "price": None if name == "Mushroom wellington" else price}
    return dish | ({"tags": ["vegan"]} if name in vegan else {})


def timetable(folder: Path, random: Random) -> Item:
    """Some buses run on Saturdays only, skip the stop, or end early."""
    stops = ["Quarry Road", "Millpond", "St Bride's", "Library", "Central Station"]
    starts = [392, 421, 449, 466, 482, 497, 515, 528, 541, 566]
    days = ["Mo-Fr"] * len(starts)
    days[6] = "Sat"
    trips = []
    for start in starts:
        minutes = [start]
        for _ in stops[1:]:
            minutes.append(minutes[-1] + random.randint(6, 12))
        trips.append(dict(zip(stops, minutes, strict=True)))
    del trips[4]["Central Station"], trips[5]["Millpond"], trips[2]["Library"]
    catchable = [
        trip["Millpond"]
        for trip, running in zip(trips, days, strict=True)
        if running == "Mo-Fr"
        and "Millpond" in trip
        and trip.get("Central Station", 9999) <= 9 * 60 + 10
    ]
    formats.write_text(folder / "line_14.html", _page(stops, days, trips))
    return Item(
        "The attached page is the timetable of bus line 14. On a Tuesday, what is the latest time "
        "at which I can board a bus at Millpond that takes me to Central Station by 09:10, without "
        "changing buses? Give the time as HH:MM.",
        _clock(max(catchable)),
    )


def _page(stops: list[str], days: list[str], trips: list[dict[str, int]]) -> str:
    def row(head: str, cells: list[str]) -> str:
        return f"<tr><th>{head}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>\n"

    body = row("runs", days)
    for stop in stops:
        times = [_clock(trip[stop]) if stop in trip else "&ndash;" for trip in trips]
        body += row(stop.replace("'", "&rsquo;"), times)
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>Line 14</title></head>\n'
        f"<body><h1>Line 14 to Central Station</h1>\n<table>\n{body}</table>\n"
        "<p>&ndash; does not call here. Sat: Saturdays only.</p></body></html>\n"
    )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


TASKS: dict[str, Generator] = {
    "mini-1-ledger": ledger,
    "mini-1-birds": birds,
    "mini-1-discs": discs,
    "mini-1-menu": menu,
    "mini-1-timetable": timetable,
}
