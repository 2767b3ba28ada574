"""Level 3: several files, and a rule that changes what the plain reading would give."""

# The attached files hold local times that name no zone.
# ruff: noqa: DTZ001

import itertools
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from xml.sax.saxutils import quoteattr

import formats
from item import Generator, Item, the_most


def shock(folder: Path, random: Random) -> Item:
    """Local times on either side of midnight, a clock that ran fast, a log kept in UTC."""
    offsets = {"ASK": 60, "BRU": 345, "DUN": -210, "KES": 0, "LOM": 570, "VAR": -60}
    arrivals = {"LOM": 14, "KES": 75, "ASK": 121, "DUN": 203, "BRU": 248, "VAR": 311}
    onset = datetime(2024, 3, 10, 21, 52, 7)
    entries: list[tuple[datetime, str, str]] = []
    for code, seconds in arrivals.items():
        clock = timedelta(minutes=0 if code == "DUN" else offsets[code])
        clock += timedelta(seconds=260) if code == "KES" else timedelta()
        detected = onset + timedelta(seconds=seconds) + clock
        small = detected - timedelta(seconds=random.randint(40, 900))
        entries.append((small, code, f"TRIGGER amp={random.randint(8, 49)}"))
        entries.append((detected, code, f"TRIGGER amp={random.randint(51, 320)}"))
        for _ in range(4):
            echo = detected + timedelta(seconds=random.randint(30, 2000))
            entries.append((echo, code, f"TRIGGER amp={random.randint(12, 160)}"))
        for _ in range(12):
            idle = detected + timedelta(seconds=random.randint(-3000, 3000))
            entries.append((idle, code, f"HEARTBEAT volt={random.randint(118, 131) / 10}"))
    lines = [f"{when:%Y-%m-%d %H:%M:%S} {code} {what}" for when, code, what in sorted(entries)]
    formats.write_text(folder / "shock.log", "\n".join(["# merged from six stations", *lines, ""]))
    places = ["Askvoll", "Brumal", "Dunmore Head", "Kestrel Rock", "Lomas", "Varde"]
    rows = [
        (code, place, f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}")
        for place, (code, offset) in zip(places, offsets.items(), strict=True)
    ]
    formats.write_csv(folder / "stations.csv", [("code", "station", "utc offset"), *rows])
    formats.write_text(
        folder / "clocks.txt",
        "Remarks on the clocks, March 2024\n\n"
        "Stations write their own local time (see stations.csv for its offset from UTC; + is "
        "ahead).\n"
        "KES: 4 min 20 s fast since February; found on 11 March and set right that day at noon.\n"
        "DUN: since its new recorder of 2 March this station writes UTC.\n"
        "VAR: battery replaced on 9 March; clock not affected.\n",
    )
    return Item(
        "The attached log was merged from six seismic stations that recorded the shock of 10 March "
        "2024 (UTC). A station detects a shock at its first TRIGGER with an amplitude (amp) of 50 "
        "or more. Minding the remarks on the clocks, in which order did the stations detect the "
        "shock? Give the station codes from earliest to latest, separated by commas.",
        ", ".join(sorted(arrivals, key=lambda code: arrivals[code])),
    )


def huts(folder: Path, random: Random) -> Item:
    """Paths with a time for each direction, one-way paths, and notices that close and slow some."""
    names = ["Alder", "Birk", "Corrie", "Dram", "Eyrie", "Fell", "Garth", "Howe", "Inver"]
    names += ["Juniper", "Knott", "Linn"]
    closed, trails = ("T15", "T17"), []
    pairs = [(a, b) for a, b in itertools.combinations(range(12), 2) if b - a <= 4]
    for index, (a, b) in enumerate(sorted(random.sample(pairs, 28)), start=1):
        a, b = random.choice([(a, b), (b, a)])
        out = random.randrange(30, 100, 2) * abs(b - a) // 2 * 2
        back = None if random.random() < 0.25 else random.randrange(60, 240, 2)
        trails.append((f"T{index:02}", a, b, out, back, random.random() < 0.35))
    minutes = [[0 if a == b else 10**6 for b in range(12)] for a in range(12)]
    for name, a, b, out, back, exposed in trails:
        for start, end, time in ((a, b, out), (b, a, back)):
            if time is not None and name not in closed:
                slow = time * 3 // 2 if exposed else time
                minutes[start][end] = min(minutes[start][end], slow + 15)
    for via, start, end in itertools.product(range(12), repeat=3):
        way = minutes[start][via] + minutes[via][end]
        minutes[start][end] = min(minutes[start][end], way)
    formats.write_text(folder / "trails.xml", _trails_xml(names, trails))
    formats.write_text(
        folder / "notices.txt",
        "NOTICES OF THE HUT ASSOCIATION\n\n"
        f"(a) Rockfall: {closed[0]} and {closed[1]} are closed from 28 September until "
        "further notice.\n"
        "(b) T03 is open again since 30 August.\n"
        "(c) Exposed trails: from 1 October to 30 April allow half as long again.\n"
        "(d) At every hut between the first and the last walkers sign the book and rest: "
        "15 minutes.\n",
    )
    return Item(
        "The attached map file gives the walking times, in minutes, between mountain huts; a time "
        "named 'back' is for the opposite direction, and without it the trail may not be walked "
        "that way. Following the attached notices, what is the least number of minutes in which "
        "one gets from Alder to Linn on 12 October, rests included? Give a number.",
        str(minutes[0][11] - 15),
    )


def _trails_xml(names: list[str], trails: list[tuple]) -> str:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<map region="Upper Skarn">']
    lines += [f'  <hut id="{name[:2].upper()}" name={quoteattr(name)}/>' for name in names]
    for trail, a, b, out, back, exposed in trails:
        one, other = names[a][:2].upper(), names[b][:2].upper()
        extra = "" if back is None else f' back="{back}"'
        extra += ' exposed="yes"' if exposed else ""
        lines.append(f'  <trail id="{trail}" from="{one}" to="{other}" out="{out}"{extra}/>')
    return "\n".join([*lines, "</map>"]) + "\n"


def greenhouse(folder: Path, random: Random) -> Item:
    """The unit changes mid-file, a sensor changes benches, and 999.9 means no reading."""
    update, moved = datetime(2024, 4, 15, 6), datetime(2024, 4, 11, 12)
    sensors = {"S1": "A", "S2": "B", "S3": "A", "S4": "C"}
    when, rows, tenths_above = datetime(2024, 4, 1), [], 0
    while when.month == 4:
        for sensor, bench in sensors.items():
            warmth = 150 + 60 * (8 <= when.hour <= 18) + random.randint(-40, 45)
            now = "B" if sensor == "S3" and when >= moved else bench
            now = "spare" if sensor == "S2" and when >= moved else now
            missing = random.random() < 0.03
            if now == "B" and not missing:
                tenths_above += max(0, warmth - 180)
            rows.append(
                (f"{when:%Y-%m-%d %H:%M}", sensor, _degrees(warmth, missing, when < update))
            )
        when += timedelta(hours=1)
    formats.write_csv(folder / "readings.csv", [("time", "sensor", "temperature"), *rows])
    first, last = datetime(2024, 3, 1), datetime(2024, 5, 31, 23)
    stays = [("S1", "A", first, last), ("S2", "B", first, moved), ("S2", "spare", moved, last)]
    stays += [("S3", "A", first, moved), ("S3", "B", moved, last), ("S4", "C", first, last)]
    title = ("Where the sensors stood ('until' is not included)",)
    placement = [title, (), ("sensor", "bench", "from", "until"), *stays]
    formats.write_xlsx(folder / "placement.xlsx", {"Placement": placement})
    formats.write_text(
        folder / "notes.txt",
        "House 2, logger notes\n"
        "- one reading per sensor and hour, 999.9 when the radio failed\n"
        "- 15 April, 06:00: firmware 3.1 installed; from this reading on all sensors report "
        "degrees Celsius, until then Fahrenheit\n",
    )
    return Item(
        "The attached files come from a greenhouse: hourly temperatures, where each sensor stood, "
        "and the logger's notes. How many degree-hours above 18 °C did bench B gather in April "
        "2024? Every valid hourly reading above 18 °C adds its excess in degrees Celsius; failed "
        "readings add nothing. Give a number with one decimal.",
        f"{tenths_above // 10}.{tenths_above % 10}",
    )


def _degrees(tenths: int, missing: bool, fahrenheit: bool) -> str:
    if missing:
        return "999.9"
    hundredths = tenths * 18 + 3200 if fahrenheit else tenths * 10
    return f"{hundredths // 100}.{hundredths % 100:02}"


BANDS = {1000: (390, 480, 720), 2000: (460, 590, 980), 5000: (640, 860, 1540)}
BANDS |= {10_000: (890, 1240, 2310), 30_000: (1450, 2080, 4150)}


def parcels(folder: Path, random: Random) -> Item:
    """The tariff's footnotes change the weight, the band and, from July, one zone's rates."""
    rows, total = [], 0
    for number in range(1, 91):
        posted = datetime(2024, 5, 20) + timedelta(days=random.randint(0, 80))
        zone, island = random.choice("ABC"), random.random() < 0.2
        grams, sides = random.randint(3, 240) * 50, [random.randint(8, 50) for _ in range(3)]
        if random.random() < 0.15:
            sides = [random.randint(101, 130), random.randint(8, 14), random.randint(5, 12)]
        total += _charge(posted, zone, island, grams, sides)
        weight = f"{grams} g" if grams < 1000 else f"{grams / 1000:.2f} kg"
        cells = (weight, "x".join(map(str, sides)), "yes" if island else "")
        rows.append((f"P{number:03}", f"{posted:%Y-%m-%d}", zone, *cells))
    header = ("parcel", "posted", "zone", "weight", "size in cm", "island")
    formats.write_csv(folder / "parcels.csv", [header, *rows])
    formats.write_pdf(folder / "tariff.pdf", _tariff())
    return Item(
        "A shop posted the parcels in the attached list under the attached tariff. What did it "
        "pay for all of them together, in euros? Give a number with two decimals.",
        f"{total // 100}.{total % 100:02}",
    )


def _charge(posted: datetime, zone: str, island: bool, grams: int, sides: list[int]) -> int:
    volumetric = sides[0] * sides[1] * sides[2] / 5 if zone == "C" else 0
    limits = list(BANDS)
    band = next(index for index, limit in enumerate(limits) if max(grams, volumetric) <= limit)
    if max(sides) > 100:
        band = min(band + 1, len(limits) - 1)
    cents = BANDS[limits[band]]["ABC".index(zone)]
    if zone == "B" and posted >= datetime(2024, 7, 1):
        cents = -(-cents * 108 // 500) * 5
    return cents + (450 if island and grams > 1000 else 0)


def _tariff() -> list[str]:
    lines = ["NORTHERN PARCEL POST - TARIFF 2024 (euros per parcel)", ""]
    lines.append("up to         zone A     zone B (1)   zone C (2)")
    for limit, cents in BANDS.items():
        shown = "".join(f"{amount // 100}.{amount % 100:02}".ljust(12) for amount in cents)
        lines.append(f"{limit // 1000:>2} kg (3)     {shown}")
    return [
        *lines,
        "",
        "Islands: 4.50 more (4).",
        "",
        "(1) For parcels posted on or after 1 July 2024 the rates of zone B rise by 8 %,",
        "    rounded up to the next multiple of 5 cents.",
        "(2) In zone C the greater of weight and volumetric weight counts; the volumetric",
        "    weight in kg is length x width x height in cm, divided by 5000.",
        "(3) A parcel with a side longer than 100 cm pays the line after its own in its zone",
        "    (from the 30 kg line: no change).",
        "(4) Not for parcels that weigh 1 kg or less on the scales.",
    ]


def ferry(folder: Path, random: Random) -> Item:
    """A simulation; no file. A lorry that does not fit holds back the cars behind it."""
    state, clock, queue = 13, 0, []
    for number in range(1, 61):
        state = (37 * state + 11) % 101
        clock += state % 6
        queue.append((number, clock, 2 if state % 3 == 0 else 1))
    waits, departure = {}, 0
    while queue:
        departure, places = departure + 15, 6
        while queue and queue[0][1] <= departure and queue[0][2] <= places:
            number, arrived, length = queue.pop(0)
            places -= length
            waits[number] = departure - arrived
    longest = the_most(waits)
    return Item(
        "Let x(0) = 13 and x(n) = (37 * x(n-1) + 11) mod 101. Sixty vehicles come to a ferry. "
        "Vehicle 1 arrives x(1) mod 6 minutes after 08:00, and each vehicle n after it arrives "
        "x(n) mod 6 minutes after vehicle n-1. Vehicle n is a lorry, which takes two places, when "
        "x(n) is divisible by 3, and otherwise a car, which takes one. A boat with six places "
        "leaves at 08:15 and every 15 minutes from then on. Vehicles board strictly in order of "
        "arrival, and one that arrives in the minute of departure still boards; if the next in "
        "line is a lorry and one place is left, the boat leaves with that place empty. Which "
        "vehicle waits longest from its arrival to its departure, and how many minutes? Give the "
        "vehicle's number and the minutes, separated by a comma.",
        f"{longest}, {waits[longest]}",
    )


TASKS: dict[str, Generator] = {
    "mini-3-shock": shock,
    "mini-3-huts": huts,
    "mini-3-greenhouse": greenhouse,
    "mini-3-parcels": parcels,
    "mini-3-ferry": ferry,
}
