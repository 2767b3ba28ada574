"""Tasks about messages and calendars."""

# The attached files hold local times that name no zone.
# ruff: noqa: DTZ001

from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from random import Random

import formats
from item import Generator, Item


def fair(folder: Path, random: Random) -> Item:
    """The letter changes the list that it attaches, and quotes an older number of days."""
    things = ["round tables", "benches", "folding chairs", "lanterns", "stage parts", "heaters"]
    places = ["marquee", "boathouse", "green"]
    rows, counts = [], {}
    for place in places:
        for thing in things:
            counts[place, thing] = random.randint(4, 60), random.randrange(35, 990, 5)
            count, cents = counts[place, thing]
            rows.append((place, thing, count, f"{cents // 100}.{cents % 100:02}"))
    counts["marquee", "round tables"] = (14, counts["marquee", "round tables"][1])
    counts["boathouse", "folding chairs"] = (0, 0)
    cents = 3 * sum(count * price for count, price in counts.values())
    formats.write_csv(folder / "list", [("place", "thing", "count", "price per day"), *rows])
    letter = _letter(
        "Ida Sørby <ida@example.org>", "Hire for the fair", datetime(2024, 8, 5, 9, 12)
    )
    letter.set_content(
        "Dear Mr Öberg,\n\nattached is the list of what we hire from you, with your prices in "
        "euros for one piece and one day. We keep everything for three days.\n\nThe list is "
        "that of last week; since then two things have changed. In the marquee we take 14 round "
        "tables, whatever the list says, and the folding chairs for the boathouse are no longer "
        "needed.\n\nYours, Ida Sørby\n\n"
        "> On 29 July you wrote:\n> You said that you would keep everything for five days\n"
        "> and take 20 round tables. Is that still right?\n",
        cte="quoted-printable",
    )
    table = (folder / "list").read_bytes()
    (folder / "list").unlink()
    letter.add_attachment(table, maintype="text", subtype="csv", filename="hire.csv")
    letter.set_boundary("=====fair=====")
    (folder / "hire.eml").write_bytes(letter.as_bytes())
    return Item(
        "The attached message orders things for a fair. What will the hire cost in euros, all "
        "things and all days together, as the writer of the message wants it now? Give a number "
        "with two decimals.",
        f"{cents // 100}.{cents % 100:02}",
    )


def _letter(sender: str, subject: str, sent: datetime) -> EmailMessage:
    letter = EmailMessage()
    letter["From"], letter["To"] = sender, "office@example.net"
    letter["Subject"], letter["Date"] = subject, format_datetime(sent)
    return letter


SERIES = (
    ("Rehearsal, sopranos", datetime(2025, 1, 14, 18, 30), 75, 14, (3, 6)),
    ("Rehearsal, tutti", datetime(2025, 1, 16, 19, 0), 120, 12, (5,)),
    ("Board meeting", datetime(2025, 2, 3, 20, 0), 60, 6, ()),
    ("Rehearsal, basses", datetime(2025, 2, 4, 18, 0), 95, 9, (1, 2)),
)
"""Weekly events: name, first time, minutes, number of weeks, and the weeks that are left out."""


def choir(folder: Path, random: Random) -> Item:
    """Events that repeat, with days left out, moved or lengthened; lines are folded."""
    events = [_series(index, *series) for index, series in enumerate(SERIES)]
    truth = sum(_counted(*series) for series in SERIES)
    longer = ("1@choir.example", datetime(2025, 3, 6, 18), 180, "Rehearsal, tutti")
    events.append(_single(*longer, "RECURRENCE-ID:20250306T190000"))
    off = ("0@choir.example", datetime(2025, 3, 11, 18, 30), 75, "Rehearsal, sopranos")
    events.append(_single(*off, "RECURRENCE-ID:20250311T183000", "STATUS:CANCELLED"))
    truth += 180 - 120 - 75
    for day in range(1, 29, 3):
        when = datetime(2025, random.choice([1, 2, 3, 4]), day, random.randint(9, 17))
        minutes = random.randrange(30, 150, 15)
        name = random.choice(["Rehearsal with soloists", "Concert, town hall", "Rehearsal, stage"])
        cancelled = ["STATUS:CANCELLED"] if random.random() < 0.3 else []
        truth += minutes * ("Rehearsal" in name and when.month in (2, 3) and not cancelled)
        events.append(_single(f"single-{day}@choir.example", when, minutes, name, *cancelled))
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Choir//EN"]
    for event in events:
        lines += ["BEGIN:VEVENT", *event, NOTE, "END:VEVENT"]
    folded = [part for line in [*lines, "END:VCALENDAR"] for part in _folded(line)]
    formats.write_text(folder / "choir.ics", "\r\n".join([*folded, ""]))
    return Item(
        "The attached calendar is that of a choir. How many minutes do the events last in all "
        "that take place in February and March 2025 and have 'Rehearsal' in their summary? "
        "Repeated events count each time; what was cancelled or taken out does not take place, "
        "and a changed occurrence (RECURRENCE-ID) replaces the one of the series. Give a number.",
        str(truth),
    )


NOTE = "DESCRIPTION:Bring the red folder\\, a pencil and something to drink\\; doors open "
NOTE += "ten minutes before."


def _series(
    index: int, name: str, first: datetime, minutes: int, weeks: int, gaps: tuple[int, ...]
) -> list[str]:
    until = first + timedelta(weeks=weeks - 1)
    rule = f"COUNT={weeks}" if weeks % 2 else f"UNTIL={until:%Y%m%dT%H%M%S}"
    start = [f"DTSTART:{first:%Y%m%dT%H%M%S}", f"DURATION:PT{minutes}M"]
    event = [f"UID:{index}@choir.example", *start, f"RRULE:FREQ=WEEKLY;{rule}", f"SUMMARY:{name}"]
    return event + [f"EXDATE:{first + timedelta(weeks=gap):%Y%m%dT%H%M%S}" for gap in gaps]


def _counted(name: str, first: datetime, minutes: int, weeks: int, gaps: tuple[int, ...]) -> int:
    days = [first + timedelta(weeks=week) for week in range(weeks) if week not in gaps]
    return minutes * sum(day.month in (2, 3) for day in days) * ("Rehearsal" in name)


def _single(uid: str, when: datetime, minutes: int, name: str, *more: str) -> list[str]:
    end = when + timedelta(minutes=minutes)
    event = [f"UID:{uid}", f"DTSTART:{when:%Y%m%dT%H%M%S}", f"DTEND:{end:%Y%m%dT%H%M%S}"]
    return [*event, f"SUMMARY:{name}", *more]


def _folded(line: str) -> list[str]:
    return [line[:60], *(" " + line[at : at + 59] for at in range(60, len(line), 59))]


def coach(folder: Path, random: Random) -> Item:
    """The order by time is not that by text; quoted seats, doubled messages, names in capitals."""
    writers = ["amaro", "brandt", "cole", "dufour", "eriksen", "faber", "greco", "hale"]
    latest: dict[str, tuple[datetime, int]] = {}
    members: dict[str, bytes] = {}
    start = datetime(2024, 5, 11, 5, tzinfo=UTC)
    moments = random.sample(range(1600), 26)
    for number, minute in zip(random.sample(range(100, 200), 26), moments, strict=True):
        name, seats = random.choice(writers), random.randint(0, 7)
        sent = start + timedelta(minutes=minute)
        zone = timezone(timedelta(hours=random.choice([-7, -3, 0, 2, 9])))
        if name not in latest or sent > latest[name][0]:
            latest[name] = (sent, seats)
        address = random.choice([name, name, name.upper(), name.title()])
        sender = random.choice(
            [f"{name.title()} <{address}@example.org>", f"{address}@example.org"]
        )
        letter = _letter(
            sender,
            random.choice(["Coach trip", "Re: Coach trip", "AW: Coach trip"]),
            sent.astimezone(zone),
        )
        letter["Message-ID"] = f"<{number}@example.org>"
        quoted = "".join(f"> Seats: {random.randint(0, 9)}\n> Thank you.\n" for _ in range(2))
        letter.set_content(
            f"Hello,\n\nSeats: {seats}\n\nKind regards, {name.title()}\n\n{quoted}",
            cte=random.choice(["7bit", "base64", "quoted-printable"]),
        )
        for copy in range(random.choice([1, 1, 1, 2])):
            members[f"inbox/{number + 7 * copy * 100}.eml"] = letter.as_bytes()
    names = sorted(members)
    random.shuffle(names)
    formats.write_zip(folder / "inbox.zip", {name: members[name] for name in names})
    return Item(
        "The attached archive holds the messages in which families tell how many seats of a coach "
        "they take; a message was sometimes stored twice. For each family, which is known by the "
        "address that it writes from (capitals or not), the message that was sent last counts, by "
        "the moment at which it was sent. How many seats are taken in all? Give a number.",
        str(sum(seats for _, seats in latest.values())),
    )


TASKS: dict[str, Generator] = {
    "mini-2-fair": fair,
    "mini-2-choir": choir,
    "mini-3-coach": coach,
}
