"""Level 3: files that disagree, hide something or hold others, with remarks on how to read them."""

# The attached files hold local times that name no zone.

import hashlib
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import formats
from item import Generator, Item, the_most
from openpyxl import Workbook

SURNAMES = ["Abel", "Bruun", "Carlin", "Dehn", "Ewart", "Falk"]


def wages(folder: Path, random: Random) -> Item:
    """Merged cells, hours in two forms, and rates that a hidden sheet replaces."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Week 20"
    sheet.append(["Pottery Works, hours of week 20"])
    sheet.merge_cells("A1:H1")
    sheet.append(["Department", "Name", "Grade", "Mon", "Tue", "Wed", "Thu", "Fri"])
    new = {"A": 1904, "B": 2208, "C": 2640}
    names = iter("ABCDEFGHIJKLMNO")
    total, row = 0, 3
    for department, people in (("Clay", 4), ("Kiln", 6), ("Glazing", 3), ("Packing", 2)):
        for _ in range(people):
            grade, quarters = random.choice("ABC"), [random.randint(26, 42) for _ in range(5)]
            shown = [_hours(count, random) for count in quarters]
            sheet.append([department, f"{next(names)}. {random.choice(SURNAMES)}", grade, *shown])
            if department == "Kiln":
                extra = max(0, sum(quarters) - 4 * 38)
                total += new[grade] * (2 * sum(quarters) + extra) // 8
        sheet.merge_cells(start_row=row, start_column=1, end_row=row + people - 1, end_column=1)
        row += people
    sheet.append([])
    sheet.append(["Hours over 38 in a week are paid at one and a half times the rate."])
    rates = book.create_sheet("Rates")
    rows = [
        ["Grade", "Euros per hour"],
        *([grade, cents / 100 - 0.72] for grade, cents in new.items()),
    ]
    for line in [*rows, [], ["Valid until week 18; for the time after it see 'Rates from 19'."]]:
        rates.append(line)
    later = book.create_sheet("Rates from 19")
    later.sheet_state = "hidden"
    for line in [rows[0], *([grade, cents / 100] for grade, cents in new.items())]:
        later.append(line)
    formats.save_office(folder / "hours.xlsx", book)
    return Item(
        "According to the attached workbook, what do all people of the department Kiln earn "
        "together in week 20, in euros? Give a number with two decimals.",
        f"{total // 100}.{total % 100:02}",
    )


def _hours(quarters: int, random: Random) -> float | str:
    clock = f"{quarters // 4}:{quarters % 4 * 15:02}"
    return clock if random.random() < 0.4 else quarters / 4


FUEL_NOTES = (
    "# Fuel of the fleet, 2024\n\n"
    "* `fuel.sqlite`: one row of `voyage` for each voyage, its `fuel` in the `unit` of the "
    "ship. A gallon (gal) is 4.546 litres.\n"
    "* A ship makes one voyage in a day at most. Where there are two rows, the second (the one "
    "with the greater id) was stored by mistake.\n"
    "* `withdrawn` is set if the voyage was called off; then nothing was used.\n"
    "* `corrections.csv` comes from the harbour office and is in the unit of the ship, too. "
    "Where it disagrees with the database, the one that was entered later is right.\n"
)


def fuel(folder: Path, random: Random) -> Item:
    """Two sources that disagree, entries that were taken back or stored twice, and gallons."""
    ships = {1: ("Gannet", "l"), 2: ("Skua", "gal"), 3: ("Petrel", "l"), 4: ("Fulmar", "gal")}
    thousandths = dict.fromkeys(ships, 0)
    rows, corrections, number = [], [], 700
    for day in range(366):
        for ship in random.sample(sorted(ships), random.randint(0, 2)):
            amount = random.randint(40, 90) * (1 if ships[ship][1] == "gal" else 4)
            entered = date(2024, 1, 1) + timedelta(day + random.randint(1, 9))
            void = f"{entered + timedelta(3)}" if random.random() < 0.1 else None
            number += 1
            sailed = f"{date(2024, 1, 1) + timedelta(day)}"
            rows.append((number, ship, sailed, amount, f"{entered}", void))
            if random.random() < 0.15:
                other, later = amount + random.randint(-30, 30), random.choice([-1, 1, 5])
                corrections.append((number, other, f"{entered + timedelta(later)}"))
                amount = other if later > 0 else amount
            if random.random() < 0.08:
                number += 1
                rows.append((number, ship, sailed, rows[-1][3], f"{entered}", void))
            if void is None:
                thousandths[ship] += amount * (4546 if ships[ship][1] == "gal" else 1000)
    formats.write_sqlite(
        folder / "fuel.sqlite",
        {
            "ship": ("id integer, name text, unit text", [(i, *s) for i, s in ships.items()]),
            "voyage": (
                "id integer, ship integer, day text, fuel integer, entered text, withdrawn text",
                rows,
            ),
        },
    )
    random.shuffle(corrections)
    formats.write_csv(folder / "corrections.csv", [("voyage", "fuel", "entered"), *corrections])
    formats.write_text(folder / "README.md", FUEL_NOTES)
    thirstiest = the_most(thousandths)
    assert abs(thousandths[thirstiest] % 1000 - 500) > 100, "not near a half"
    return Item(
        "The attached files tell how much fuel four ships used in 2024. Which ship used the most, "
        "and how many litres, rounded to a whole number? Give the ship and the number without "
        "thousands separators, separated by a comma.",
        f"{ships[thirstiest][0]}, {(thousandths[thirstiest] + 500) // 1000}",
    )


ZONES = {"KAL": "Europe/Helsinki", "MIR": "Atlantic/Azores", "OST": "Europe/Lisbon"}
ZONES |= {"PAX": "America/New_York", "QUE": "Asia/Kathmandu", "RUN": "America/Sao_Paulo"}
ZONES |= {"SOL": "Europe/Athens", "TAM": "Atlantic/Reykjavik"}


def flights(folder: Path, random: Random) -> Item:
    """The clocks change in the night, though not everywhere, and one line writes UTC."""
    rows, lasting = [], {}
    for number in range(40):
        here, there = random.sample(sorted(ZONES), 2)
        line = random.choice(["KX", "KX", "ZQ", "VB"])
        flight = f"{line}{101 + number}"
        departs = datetime(2024, 3, 30, 18, tzinfo=ZoneInfo("UTC"))
        departs += timedelta(minutes=random.randint(0, 900))
        lasting[flight] = random.randint(165, 700)
        arrives = departs + timedelta(minutes=lasting[flight])
        if line != "ZQ":
            departs = departs.astimezone(ZoneInfo(ZONES[here]))
            arrives = arrives.astimezone(ZoneInfo(ZONES[there]))
        rows.append((flight, here, there, f"{departs:%d.%m. %H:%M}", f"{arrives:%d.%m. %H:%M}"))
    shortest = the_most({flight: -minutes for flight, minutes in lasting.items()})
    rows.sort(key=lambda row: row[3])
    heading = ("flight", "from", "to", "departs", "arrives")
    formats.write_csv(folder / "flights.csv", [heading, *rows], delimiter=";")
    airports = {code: {"zone": zone} for code, zone in ZONES.items()}
    formats.write_text(folder / "airports.json", formats.pretty_json(airports))
    formats.write_text(
        folder / "remarks.txt",
        "Plan of the night from 30 to 31 March 2024 and the day after it. Times are local times "
        "of the airport, summer time included where it has begun;\n"
        "only the line ZQ gives all of its times in UTC.\n",
    )
    return Item(
        "Which flight in the attached plan takes the least time from departure to arrival, and "
        "how many minutes does it take? Mind the remarks; the zones of the airports have their "
        "names from the time zone database. Give the flight and the minutes, separated by a comma.",
        f"{shortest}, {lasting[shortest]}",
    )


def moths(folder: Path, random: Random) -> Item:
    """Archives in an archive: some were changed or cut off, and only some were sent again."""
    kinds = ["hawk-moth", "silver-Y", "footman", "drinker", "burnet"]
    members: dict[str, bytes] = {}
    manifest, truth = [], 0
    for night in range(24):
        name = f"{date(2024, 7, 1) + timedelta(night)}.zip"
        counts = {kind: random.randint(0, 25) for kind in kinds}
        true = _night(name, counts)
        manifest.append(f"{hashlib.sha256(true).hexdigest()}  {name}")
        fate = "good" if night < 2 else random.choice(["good"] * 3 + ["changed", "cut"])
        changed = _night(name, counts | {"hawk-moth": counts["hawk-moth"] + random.randint(1, 9)})
        members[f"nights/{name}"] = {"good": true, "changed": changed, "cut": true[:150]}[fate]
        again = random.random()
        if fate != "good" and again < 0.75:
            members[f"resent/{name}"] = true if again < 0.5 else changed + b"\0"
        if fate == "good" or again < 0.5:
            truth += counts["hawk-moth"]
    members["MANIFEST.sha256"] = ("\n".join(manifest) + "\n").encode()
    formats.write_tar_gz(folder / "moths.tar.gz", members)
    return Item(
        "The attached archive holds an archive for each night of a moth trap, in the folder "
        "'nights'. One of them is sound only if its SHA-256 is the one that the manifest gives. A "
        "file that is not sound is replaced by the one of the same name in the folder 'resent', if "
        "that one is there and sound; otherwise the night is left out. How many moths of the kind "
        "hawk-moth were counted in all nights together? Give a number.",
        str(truth),
    )


def _night(name: str, counts: dict[str, int]) -> bytes:
    lines = ["kind,count", *(f"{kind},{count}" for kind, count in counts.items())]
    return formats.zip_bytes({name.replace(".zip", ".csv"): "\n".join(lines).encode()})


PROGRAM = '''\
#!/usr/bin/env python2.7
"""Fuel of the kiln: reads kiln.ini, then site.ini, then firings.tsv."""
import ConfigParser
import csv

settings = ConfigParser.ConfigParser()
settings.read(["kiln.ini", "site.ini"])
RISE = settings.getint("kiln", "rise")
SHELF = settings.getint("kiln", "shelf")
REST = settings.getint("kiln", "rest")


def hours(target, start):
    return (target - start) / RISE + REST


def shelves(pots):
    return pots / SHELF + (pots % SHELF > 0)


def litres(row):
    pots, target, start = [int(row[key]) for key in ("pots", "target", "start")]
    burnt = hours(target, start) * 7 + shelves(pots) / 2 * 5
    if row["glaze"] == "salt":
        burnt = burnt + burnt / 4 * 3
    return round(burnt / 2.0)


total = 0
for row in csv.DictReader(open("firings.tsv"), delimiter="\\t"):
    total = total + litres(row)
print("litres of fuel: %d" % total)
'''


def kiln(folder: Path, random: Random) -> Item:
    """In Python 2 a quotient of whole numbers is whole, and halves are rounded away from zero."""
    rise, shelf, rest = 85, 7, 3
    rows, total = [], 0
    for number in range(70):
        pots, start, target = (
            random.randint(5, 90),
            random.randint(8, 30),
            random.randint(900, 1280),
        )
        glaze = random.choice(["salt", "ash", "none"])
        rows.append((f"F{number + 1}", pots, glaze, start, target))
        burnt = ((target - start) // rise + rest) * 7 + -(-pots // shelf) // 2 * 5
        burnt += burnt // 4 * 3 if glaze == "salt" else 0
        total += (burnt + 1) // 2
    formats.write_text(folder / "kiln.py", PROGRAM)
    formats.write_text(folder / "kiln.ini", f"[kiln]\nrise = 60\nshelf = {shelf}\nrest = {rest}\n")
    formats.write_text(folder / "site.ini", f"; this site\n[kiln]\nrise = {rise}\n")
    heading = ("firing", "pots", "glaze", "start", "target")
    formats.write_csv(folder / "firings.tsv", [heading, *rows], delimiter="\t")
    return Item(
        "Which number does the attached program print when it is run with Python 2.7, for which "
        "it was written, in a folder with the other attached files? Give the number.",
        str(total),
    )


TASKS: dict[str, Generator] = {
    "mini-3-wages": wages,
    "mini-3-fuel": fuel,
    "mini-3-flights": flights,
    "mini-3-moths": moths,
    "mini-3-kiln": kiln,
}
