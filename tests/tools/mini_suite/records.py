"""Tasks about records of things that happen: tides, visits, hires, matches, a family, a pasture."""

# The attached files hold local times that name no zone.
# ruff: noqa: DTZ001

import json
from collections import Counter
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from random import Random
from xml.sax.saxutils import quoteattr

import formats
from item import Generator, Item, the_most


def tides(folder: Path, random: Random) -> Item:
    """Decimal commas, remarks between the rows, and a flood that is greater than any ebb."""
    heights = [random.randint(380, 580) for _ in range(88)]
    heights[1::2] = [random.randint(30, 170) for _ in range(44)]
    heights[41:43] = [12, 598]
    when = datetime(2024, 9, 2, 3, 41)
    lines = ["# Tide table, Inner Sound", "# heights in metres above chart datum"]
    for index, height in enumerate(heights):
        shown = f"{height // 100},{height % 100:02}"
        lines.append(f"{when:%Y-%m-%d}\t{when:%H:%M}\t{'LW' if index % 2 else 'HW'}\t{shown}")
        if random.random() < 0.1:
            lines.append(random.choice(["# new moon", "# gale warning", "# gauge cleaned"]))
        when += timedelta(minutes=random.randint(358, 386))
    falls = {index: heights[index] - heights[index + 1] for index in range(0, 88, 2)}
    best = falls[the_most(falls)]
    assert best < heights[42] - heights[41], "the greatest rise is greater than the greatest fall"
    formats.write_text(folder / "inner_sound.tsv", "\n".join(lines) + "\n")
    return Item(
        "The attached tide table lists high waters (HW) and low waters (LW) in their order. By "
        "how many metres does the water fall at most from a high water to the low water that "
        "follows it? Give a number with two decimals and a decimal point.",
        f"{best // 100}.{best % 100:02}",
    )


def visits(folder: Path, random: Random) -> Item:
    """Visitors that come back within and after half an hour, robots, and lines out of order."""
    start, entries, truth = datetime(2024, 11, 8, 6), [], 0
    agents = ["Firefox/132.0", "Safari/17.4", "Chrome/130.0", "GullBot/2.1", "Chrome/129.0"]
    for visitor in random.sample(range(2, 250), 46):
        agent, clock = random.choice(agents), start + timedelta(seconds=random.randint(0, 40_000))
        gap = 10_000
        for _ in range(random.randint(1, 9)):
            truth += gap > 1800 and "Bot" not in agent
            path = random.choice(["/", "/boats", "/prices", "/img/quay.jpg", "/robots.txt"])
            entries.append((clock, visitor, path, agent))
            gap = random.choice([4, 45, 400, 1500, 1795, 1800, 1801, 1900, 7200])
            clock += timedelta(seconds=gap)
    entries.sort()
    for index in range(0, len(entries) - 1, 7):
        entries[index], entries[index + 1] = entries[index + 1], entries[index]
    lines = [
        f'10.4.0.{visitor} - - [{clock:%d/%b/%Y:%H:%M:%S} +0100] "GET {path} HTTP/1.1" '
        f'{random.choice([200, 200, 304, 404])} {random.randint(90, 9000)} "-" "{agent}"'
        for clock, visitor, path, agent in entries
    ]
    formats.write_text(folder / "access.log", "\n".join(lines) + "\n")
    return Item(
        "The attached log is that of a web server; its lines are not always in order of time. A "
        "visit is a row of requests from one address in which no request comes more than 30 "
        "minutes after the one before it; a longer pause begins another visit. How many visits "
        "were there in all, leaving out every request whose agent has 'Bot' in its name? Give a "
        "number.",
        str(truth),
    )


def hires(folder: Path, random: Random) -> Item:
    """Times with and without a zone offset, records sent twice, bicycles moved by a van."""
    docks = {"Castle": 24, "Docks": 19, "Market": 27, "Station": 22, "Theatre": 17, "Zoo": 21}
    start, at = datetime(2024, 6, 15, 7), dict(docks)
    moves: list[tuple[datetime, str, str, int]] = []
    for number in range(150):
        when = start + timedelta(seconds=240 * number + random.randint(0, 110))
        here, there = random.sample(list(docks), 2)
        moves.append((when, here, "out", 1))
        moves.append((when + timedelta(seconds=random.randint(300, 2400)), there, "in", 1))
        if number % 30 == 17:
            moves.append((when + timedelta(seconds=115), there, "van", random.randint(2, 6)))
    moves.sort()
    assert len({when for when, *_ in moves}) == len(moves)
    peak = Counter(at)
    lines = []
    for number, (when, dock, kind, count) in enumerate(moves, start=1):
        at[dock] += -count if kind == "out" else count
        assert at[dock] >= 0
        peak[dock] = max(peak[dock], at[dock])
        zoned = random.random() < 0.3
        shown = f"{when:%Y-%m-%dT%H:%M:%S}" + ("Z" if zoned else "+01:00")
        if zoned:
            shown = f"{when - timedelta(hours=1):%Y-%m-%dT%H:%M:%S}Z"
        record = {"id": number, "time": shown, "dock": dock, "event": kind}
        record |= {"count": count} if kind == "van" else {}
        lines += [record] * random.choice([1, 1, 1, 1, 1, 2])
    random.shuffle(lines)
    first = {"id": 0, "time": "2024-06-15T06:00:00Z", "event": "start", "bicycles": docks}
    formats.write_text(folder / "hires.jsonl", formats.json_lines([first, *lines]))
    most = the_most(dict(peak))
    return Item(
        "The attached records tell of the bicycles at six docks on one day. The first gives the "
        "number of bicycles at each dock at the start. Then 'out' means that one bicycle was "
        "taken from the dock, 'in' that one was brought to it, and 'van' that a van put down the "
        "given count of further bicycles there. Records are in no order, and some were sent twice "
        "with the same id. At which dock did the most bicycles stand at any moment of the day, "
        "and how many? Give the dock and the number, separated by a comma.",
        f"{most}, {peak[most]}",
    )


CLUBS = ["Auldhame", "Brae Rovers", "Corran", "Dunsire", "Elphin", "Fearn Town"]


def league(folder: Path, random: Random) -> Item:
    """Results struck out, forfeits, matches not played, and points taken from a club."""
    points: Counter[str] = Counter()
    cells = {}
    for home, away in permutations(CLUBS, 2):
        goals = (random.randint(0, 4), random.randint(0, 3))
        shown = f"{goals[0]}:{goals[1]}"
        fate = random.choice(["played"] * 7 + ["struck", "forfeit", "forfeit", "open"])
        if fate == "struck":
            struck = f"<s>{shown}</s>"
            goals = (random.randint(0, 2), random.randint(0, 2))
            shown = f"{struck} {goals[0]}:{goals[1]}"
        if fate == "forfeit":
            shown = random.choice(["H", "A"])
            goals = (1, 0) if shown == "H" else (0, 1)
        cells[home, away] = "" if fate == "open" else shown
        if fate != "open":
            points[home] += 3 * (goals[0] > goals[1]) + (goals[0] == goals[1])
            points[away] += 3 * (goals[1] > goals[0]) + (goals[0] == goals[1])
    guilty = max(CLUBS, key=lambda club: points[club])
    points[guilty] -= 4
    formats.write_text(folder / "table.html", _results(cells, guilty))
    return Item(
        "The attached page shows the results of a football league. A win brings three points, a "
        "draw one to each club, a defeat none. How many points has each club after all results and "
        "remarks on the page? Give the six numbers in the order of the clubs in the table, "
        "separated by commas.",
        ", ".join(str(points[club]) for club in CLUBS),
    )


def _results(cells: dict[tuple[str, str], str], guilty: str) -> str:
    head = "".join(f"<th>{club}</th>" for club in CLUBS)
    rows = []
    for home in CLUBS:
        played = "".join(
            f"<td>{'&times;' if home == away else cells[home, away]}</td>" for away in CLUBS
        )
        rows.append(f"<tr><th>{home}</th>{played}</tr>")
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>Results</title></head><body>\n'
        "<h1>Machair League</h1>\n<table>\n"
        f'<tr><th rowspan="2">Home</th><th colspan="{len(CLUBS)}">Away</th></tr>\n'
        f"<tr>{head}</tr>\n" + "\n".join(rows) + "\n</table>\n"
        "<p>The goals of the home club stand first. H: the home club was given the win without "
        "play; A: the away club was. An empty cell: not played yet. A result struck out was "
        "annulled; the one beside it is that of the replay.</p>\n"
        f"<p>{guilty} had four points taken away for fielding two goalkeepers.</p>\n"
        "</body></html>\n"
    )


def family(folder: Path, random: Random) -> Item:
    """Children are told by their parents' ids; two people bear one name."""
    first = ["Ada", "Bram", "Clea", "Dov", "Edda", "Finn", "Gus", "Hild", "Ivo", "Jorun"]
    people = [{"id": "p1", "name": "Ada Torvik", "born": 1841, "died": 1919, "parents": ()}]
    spouses: dict[str, str] = {}
    descent = {"p1"}
    generation = ["p1"]
    for depth in range(4):
        born, children = 1841 + 24 * (depth + 1), []
        for parent in generation:
            spouse = f"p{len(people) + 1}"
            people.append(_person(spouse, f"{random.choice(first)} Moen", born - 28, (), random))
            spouses[parent] = spouse
            for _ in range(random.choice([0, 1, 2, 3]) if depth else 4):
                child = f"p{len(people) + 1}"
                name = f"{random.choice(first)} {'Torvik' if random.random() < 0.6 else 'Moen'}"
                year = born + random.randint(-6, 8)
                people.append(_person(child, name, year, (parent, spouse), random))
                children.append(child)
                descent.add(child)
        generation = children
    twin = f"p{len(people) + 1}"
    people.append({"id": twin, "name": "Ada Torvik", "born": 1866, "died": 1930, "parents": ()})
    for _ in range(3):
        person = _person(
            f"p{len(people) + 1}", f"{random.choice(first)} Sand", 1893, (twin,), random
        )
        people.append(person)
    truth = sum(
        person["id"] in descent - {"p1"} and (person["died"] or 1960) > 1950 for person in people
    )
    random.shuffle(people)
    lines = ['<?xml version="1.0"?>', '<f:family xmlns:f="urn:example:family" taken="1960">']
    for person in people:
        died = "" if person["died"] is None else f' died="{person["died"]}"'
        name = quoteattr(person["name"])
        lines.append(f'  <f:person id="{person["id"]}" name={name} born="{person["born"]}"{died}>')
        lines += [f'    <f:parent ref="{parent}"/>' for parent in person["parents"]]
        lines.append("  </f:person>")
    formats.write_text(folder / "family.xml", "\n".join([*lines, "</f:family>"]) + "\n")
    return Item(
        "The attached file holds families as they were written down in 1960; who had no year of "
        "death was alive then. How many of the descendants (children, their children, and so on) "
        "of the Ada Torvik who was born in 1841 were alive at the beginning of 1951? All had been "
        "born by then. Give a number.",
        str(truth),
    )


def _person(ident: str, name: str, born: int, parents: tuple[str, ...], random: Random) -> dict:
    died = born + random.randint(3, 88)
    return {
        "id": ident,
        "name": name,
        "born": born,
        "died": died if died < 1960 else None,
        "parents": parents,
    }


def pasture(folder: Path, random: Random) -> Item:
    """Holes, shapes in several parts, and outlines that run either way round."""
    features, truth = [], 0
    uses = ["meadow", "wood", "meadow", "orchard", "meadow", "wood", "bog"]
    for number in range(16):
        left, foot = number % 4 * 500, number // 4 * 500
        use = random.choice(uses)
        rings, area = _field(left + 20, foot + 20, random)
        geometry = {"type": "Polygon", "coordinates": rings}
        if random.random() < 0.35:
            other, more = _field(left + 270, foot + 40, random)
            area += more
            geometry = {"type": "MultiPolygon", "coordinates": [rings, other]}
        truth += area if use == "meadow" else 0
        properties = {"parcel": f"{number + 201}", "use": use, "stated_m2": area + 2500}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    collection = {"type": "FeatureCollection", "features": features}
    formats.write_text(folder / "parcels.geojson", json.dumps(collection) + "\n")
    assert truth % 2 == 0
    return Item(
        "The attached file maps the parcels of a farm; its coordinates are metres east and north "
        "on a flat grid. How many square metres do the parcels cover whose use is meadow, "
        "measured by their outlines and not by what was stated? Holes do not belong to a parcel. "
        "Give a whole number without thousands separators.",
        str(truth // 2),
    )


def _field(left: int, foot: int, random: Random) -> tuple[list, int]:
    """Return the rings of a field, and twice its area."""
    wide, high, cut = (2 * random.randint(60, 100) for _ in range(3))
    cut //= 4
    outer = [[0, 0], [wide, 0], [wide, high - cut], [wide - cut, high], [0, high]]
    area, rings = 2 * wide * high - cut * cut, [outer]
    if random.random() < 0.5:
        a, b = random.randint(10, 40), random.randint(10, 40)
        rings.append([[20, 20], [20 + a, 20], [20 + a, 20 + b]])
        area -= a * b
    placed = [[[x + left, y + foot] for x, y in ring] for ring in rings]
    turned = [ring[::-1] if random.random() < 0.5 else ring for ring in placed]
    return [[*ring, ring[0]] for ring in turned], area


def maze(folder: Path, random: Random) -> Item:
    """The short way leads through a gate, whose key lies elsewhere."""
    width, height = 31, 21
    start, exit_, key = (1, 1), (width - 2, height - 2), (width - 2, 1)
    marks = {start: "S", exit_: "E", key: "K"}
    truth, gates, free = 0, [], set()
    while not truth:
        free = _carved(width, height, random)
        inside = [(x, y) for x in range(1, width - 1) for y in range(1, height - 1)]
        free |= set(random.sample(inside, 40))
        gates = random.sample(sorted(free - set(marks)), 24)
        closed, opened = _steps(free - set(gates), start), _steps(free, start)
        way = closed.get(key, 10**6) + _steps(free, key)[exit_]
        truth = way if opened[exit_] < way < closed.get(exit_, 10**6) and key in closed else 0
    marks |= dict.fromkeys(gates, "G")
    rows = [
        "".join(marks.get((x, y), "." if (x, y) in free else "#") for x in range(width))
        for y in range(height)
    ]
    formats.write_text(folder / "maze.txt", "\n".join(rows) + "\n")
    return Item(
        "The attached text is the plan of a maze: # is wall, S the start, E the exit, K a key, G "
        "a gate, and a dot is free ground. A step leads to the next field up, down, left or "
        "right. No gate can be entered before the field K has been; from then on all gates "
        "can. What is the least number of steps from S to E? Give a number.",
        str(truth),
    )


def _carved(width: int, height: int, random: Random) -> set[tuple[int, int]]:
    """Carve corridors between the odd fields, from one field to the next, until all are met."""
    done, path = {(1, 1)}, [(1, 1)]
    while path:
        x, y = path[-1]
        ways = [(x + dx, y + dy) for dx, dy in ((2, 0), (-2, 0), (0, 2), (0, -2))]
        ways = [w for w in ways if w not in done and 0 < w[0] < width and 0 < w[1] < height]
        if not ways:
            path.pop()
            continue
        there = random.choice(ways)
        done |= {there, ((x + there[0]) // 2, (y + there[1]) // 2)}
        path.append(there)
    return done


def _steps(cells: set[tuple[int, int]], start: tuple[int, int]) -> dict[tuple[int, int], int]:
    steps, edge = {start: 0}, [start]
    for x, y in edge:
        for near in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            if near in cells and near not in steps:
                steps[near] = steps[x, y] + 1
                edge.append(near)
    return steps


TASKS: dict[str, Generator] = {
    "mini-1-tides": tides,
    "mini-2-visits": visits,
    "mini-2-hires": hires,
    "mini-2-league": league,
    "mini-2-family": family,
    "mini-2-pasture": pasture,
    "mini-2-maze": maze,
}
