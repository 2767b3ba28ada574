"""Level 2: joins, and data that must be cleaned first."""

# The attached files hold local times that name no zone.
# ruff: noqa: DTZ001

from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import formats
from item import Generator, Item, the_most
from PIL import Image, ImageDraw


def orders(folder: Path, random: Random) -> Item:
    """A title above the header, rows exported twice, prices that are sometimes text."""
    rows, returns, cents = [], [], 0
    for number in range(2101, 2341):
        day = date(2023, 1, 2) + timedelta(days=random.randint(0, 300))
        region = random.choice(["North", "South", "East", "West"])
        boxes, price = random.randint(2, 40), random.randrange(450, 2600, 5)
        back = random.randint(1, boxes) if random.random() < 0.2 else 0
        if back:
            returns.append((number, back, random.choice(["stale", "crushed", "late"])))
        if region == "North" and 4 <= day.month <= 6:
            cents += (boxes - back) * price
        rows.append(
            (number, _when(day, random), _shouted(region, random), boxes, _euros(price, random))
        )
    rows += random.sample(rows, 26)
    rows.sort(key=lambda row: row[0])
    heading = [("Crumb & Co. bakery, orders 2023",), ()]
    formats.write_xlsx(
        folder / "bakery_orders.xlsx",
        {
            "Orders": [*heading, ("Order", "Date", "Region", "Boxes", "Price per box"), *rows],
            "Returns": [("Boxes sent back",), ("Order", "Boxes", "Reason"), *returns],
        },
    )
    return Item(
        "The attached workbook holds a bakery's orders and returns. What was the net revenue, in "
        "euros, from orders that the region North placed in the second quarter of 2023? A box "
        "that was sent back later earns nothing. Some orders were exported twice and count once; "
        "a text date is written day.month.year and a text price with a decimal comma. Give a "
        "number with two decimals.",
        f"{cents // 100}.{cents % 100:02}",
    )


def _when(day: date, random: Random) -> datetime | str:
    typed = random.random() < 0.3
    return day.strftime("%d.%m.%Y") if typed else datetime(day.year, day.month, day.day)


def _shouted(region: str, random: Random) -> str:
    return random.choice([region, region, region, region.upper(), region + " "])


def _euros(cents: int, random: Random) -> float | str:
    text = f"€ {cents // 100},{cents % 100:02}"
    return text if random.random() < 0.25 else cents / 100


def loans(folder: Path, random: Random) -> Item:
    """Keys written in two ways, dates in two forms, rows twice, books never brought back."""
    kinds = {
        number: random.choice(["junior", "adult", "adult", "senior"]) for number in range(7, 67)
    }
    titles = ["Tidelands", "The Glass Orchard", "Moth Hours", "A Short Winter", "Ferrous"]
    rows, late = [], set()
    for loan in range(5001, 5261):
        member, out = (
            random.choice(list(kinds)),
            date(2024, 1, 8) + timedelta(random.randint(0, 90)),
        )
        kept = random.choice([3, 9, 14, 18, 20, 21, 21, 22, 25, 33])
        returned = random.random() < 0.85
        back = _slashed(out + timedelta(kept), random) if returned else ""
        rows.append((loan, f"M-{member:04}", random.choice(titles), _slashed(out, random), back))
        if kinds[member] == "junior" and returned and kept > 21:
            late.add(member)
    rows += random.sample(rows, 12)
    random.shuffle(rows)
    formats.write_csv(folder / "loans.csv", [("loan", "member", "title", "out", "back"), *rows])
    formats.write_csv(
        folder / "members.csv", [("number", "category"), *kinds.items()], delimiter=";"
    )
    return Item(
        "The attached files are a village library's loans and its members. How many different "
        "junior members have brought back at least one book more than 21 days after taking it "
        "out? Books that are still out do not count. Dates with slashes are day/month/year, the "
        "others year-month-day. Give a number.",
        str(len(late)),
    )


def _slashed(day: date, random: Random) -> str:
    return day.strftime("%d/%m/%Y") if random.random() < 0.4 else day.isoformat()


def samples(folder: Path, random: Random) -> Item:
    """Three units in one column, and a list of void samples on the last page."""
    rocks = ["basalt", "gabbro", "basalt", "tuff", "basaltic glass"]
    found = {
        f"B-{number:03}": (random.choice(rocks), random.randint(85, 29_000))
        for number in range(1, 101)
    }
    void = sorted(random.sample(sorted(found), 11))
    truth = sum(
        tenths for name, (rock, tenths) in found.items() if rock == "basalt" and name not in void
    )
    lines = ["FIELD NOTEBOOK 7 - Skarn Ridge, August 2022", ""]
    for index, (name, (rock, tenths)) in enumerate(found.items()):
        if index % 20 == 0:
            day = date(2022, 8, 3) + timedelta(index // 10)
            lines += ["", f"{day:%d %B %Y}", "sample    rock              mass"]
        lines.append(f"{name}     {rock:<18}{_mass(tenths, random)}")
    lines += ["", "Bags torn on the way down, samples void:", ", ".join(void) + "."]
    formats.write_pdf(folder / "notebook_7.pdf", lines)
    return Item(
        "The attached PDF is a geologist's field notebook. What is the total mass, in grams, of "
        "the basalt samples that are not void? Basaltic glass is not basalt. Give a number with "
        "one decimal.",
        f"{truth // 10}.{truth % 10}",
    )


def _mass(tenths: int, random: Random) -> str:
    grams = f"{tenths // 10:,}.{tenths % 10} g"
    kilograms = f"{tenths // 10_000}.{tenths % 10_000:04} kg"
    return random.choice([grams, grams, kilograms, f"{tenths * 100:,} mg"])


def rainfall(folder: Path, random: Random) -> Item:
    """The scale must be read from the grid; one month has no bar at all."""
    light, dark, grid, pixels_per_4mm = (150, 190, 230), (24, 60, 120), (205, 205, 205), 9
    years = [[random.randint(2, 34) * 4 for _ in range(12)] for _ in range(2)]
    years[1][6] = 0
    rises = [after - before for before, after in zip(*years, strict=True)]
    image, foot = Image.new("RGB", (600, 400), "white"), 369
    draw = ImageDraw.Draw(image)
    for line in range(1, 8):
        draw.line((40, foot - 45 * line, 579, foot - 45 * line), fill=grid)
    for month in range(12):
        for year, colour in enumerate((light, dark)):
            left, height = 50 + month * 44 + year * 15, years[year][month] // 4 * pixels_per_4mm
            if height:
                draw.rectangle((left, foot - height, left + 14, foot - 1), fill=colour)
    draw.line((40, foot, 579, foot), fill="black")
    image.save(folder / "rain.png")
    best = the_most(dict(enumerate(rises)))
    return Item(
        "The attached bar chart shows the monthly rainfall at Cold Fell from January (left) to "
        "December (right), with a light bar for 2022 and a dark bar for 2023; a month without "
        "rain has no bar. The black line at the foot is 0 mm and each grey line stands for 20 mm "
        "more than the one below; every month's rainfall is a multiple of 4 mm. In which month "
        "was 2023 wetter than 2022 by the most, and by how many millimetres? Give the month's "
        "number and the millimetres, separated by a comma.",
        f"{best + 1}, {rises[best]}",
    )


def meters(folder: Path, random: Random) -> Item:
    """Counters that start again at 0, empty and doubled readings, numbers that are text."""
    months: dict[str, list[dict]] = {"2024-01": [], "2024-02": [], "2024-03": []}
    used = {}
    for number in random.sample(range(11, 60), 14):
        starts_again = number % 3 == 0
        counter = random.randint(9700, 9980) if starts_again else random.randint(20, 7000)
        seen = []
        for week in range(13):
            day = date(2024, 1, 3) + timedelta(weeks=week)
            counter += random.randint(5, 80 if starts_again else 42)
            value: object = counter % 10_000
            if random.random() < 0.1:
                value = None
            else:
                seen.append(counter)
                value = str(value) if random.random() < 0.08 else value
            reading = {"meter": f"K-{number}", "date": day.isoformat(), "m3": value}
            months[f"{day:%Y-%m}"] += [reading] * random.choice([1, 1, 1, 1, 2])
        used[f"K-{number}"] = seen[-1] - seen[0]
    for readings in months.values():
        random.shuffle(readings)
    texts = {f"{month}.jsonl": formats.json_lines(rows) for month, rows in months.items()}
    archived = {name: text.encode() for name, text in texts.items()}
    formats.write_zip(folder / "meters.zip", archived)
    thirstiest = the_most(used)
    return Item(
        "The attached archive holds the readings of water meters in cubic metres for three "
        "months. A meter counts up to 9999 and goes on from 0, which none did more than once. "
        "Which meter counted the most water between its earliest and its latest reading by date, "
        "empty readings left aside, and how many cubic metres? Give the meter and the number, "
        "separated by a comma.",
        f"{thirstiest}, {used[thirstiest]}",
    )


TASKS: dict[str, Generator] = {
    "mini-2-orders": orders,
    "mini-2-loans": loans,
    "mini-2-samples": samples,
    "mini-2-rainfall": rainfall,
    "mini-2-meters": meters,
}
