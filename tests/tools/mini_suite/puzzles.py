"""Tasks without files: dates, numbers, and statements that leave one arrangement."""

from datetime import date
from itertools import permutations
from pathlib import Path
from random import Random

from item import Generator, Item

FRIDAY = 4


def fridays(folder: Path, random: Random) -> Item:
    """1900 was no leap year, and the count is of months with two such days, not of days."""
    truth = 0
    for year in range(1890, 2041):
        thirteenths = [date(year, month, 13).weekday() for month in range(1, 13)]
        truth += thirteenths.count(FRIDAY) == 2
    return Item(
        "In how many of the years from 1890 to 2040, both included, are there exactly two Fridays "
        "that are the 13th of a month? Give a number.",
        str(truth),
    )


def digits(folder: Path, random: Random) -> Item:
    """Both the number and the number read backwards must be divisible."""
    truth = 0
    for number in range(10_000, 100_000):
        text = str(number)
        ring = sum(map(int, text))
        truth += "0" not in text and number % ring == 0 and int(text[::-1]) % (ring + 1) == 0
    return Item(
        "How many five-digit whole numbers have no digit 0, are divisible by the sum s of their "
        "digits, and, when their digits are written in reverse order, give a number that is "
        "divisible by s + 1? Give a number.",
        str(truth),
    )


def berths(folder: Path, random: Random) -> Item:
    """Six statements; brute force finds one arrangement."""
    boats, cargoes = ["Auk", "Brill", "Cormorant", "Dab", "Eider"], "cider hay ice slate wool"
    found = []
    for order in permutations(range(1, 6)):
        auk, brill, cormorant, dab, eider = order
        for load in permutations(range(1, 6)):
            cider, _, ice, slate, wool = load
            if (
                abs(auk - slate) == 1
                and cider < cormorant < dab
                and brill == wool + 2
                and ice not in (1, 5)
                and ice == eider
                and abs(brill - dab) != 1
            ):
                found.append((order, load))
    assert len(found) == 1, found
    order, load = found[0]
    cargo = dict(zip(load, cargoes.split(), strict=True))
    aboard = [f"{cargo[order[boats.index(boat)]]}" for boat in boats]
    return Item(
        "Five boats, the Auk, the Brill, the Cormorant, the Dab and the Eider, lie in berths 1 to "
        "5 of a quay, in a row, and each carries one cargo: cider, hay, ice, slate or wool, each "
        "of them once. The Auk lies directly beside the boat with slate. The Cormorant's berth "
        "has a lower number than the Dab's and a higher one than that of the boat with cider. "
        "The Brill's number is greater by two than that of the boat with wool. The ice is in "
        "the Eider, which lies at neither end. The Brill and the Dab do not lie directly beside "
        "each other. What do the boats carry? Give the five cargoes in the order of the boats' "
        "names as listed here, separated by commas.",
        ", ".join(aboard),
    )


MONTHS = ["Frost", "Thaw", "Seed", "Leaf", "Dew", "Hay", "Gold", "Wine", "Mist", "Snow"]


def calendar(folder: Path, random: Random) -> Item:
    """An invented calendar: days outside the week, and leap days with an exception."""
    day, month, year, week = 1, 0, 1, 0
    end, start = date(2024, 5, 17), date(1794, 3, 1)
    passed = (end - start).days
    for _ in range(passed):
        day += 1
        if day > 36 + (month == 9) * (5 + _leap(year)):
            day, month = 1, (month + 1) % 10
            year += month == 0
        week += day <= 36
    days = ["Oneday", "Twoday", "Threeday", "Fourday", "Fiveday", "Sixday", "Restday"]
    return Item(
        "The reckoning of Isle Orrin began when 1 March 1794 of our (Gregorian) calendar was its "
        "1 Frost of the year 1, a Oneday. Its year has ten months of 36 days, in this order: "
        f"{', '.join(MONTHS)}. The last month, Snow, is followed by feast days that continue its "
        "count as 37 Snow, 38 Snow and so on: five of them, but six in each year of the isle "
        "whose number is divisible by 4, except those divisible by 128. Then the next year begins "
        "with 1 Frost. The week has seven days, called Oneday, Twoday, Threeday, Fourday, "
        "Fiveday, Sixday and Restday, but the feast days belong to no week: the first day after "
        "them takes the weekday that follows the one of 36 Snow. Which date of the isle was 17 "
        "May 2024? Give the day, the month, the year and the weekday, separated by commas, such "
        "as: 12, Leaf, 90, Sixday.",
        f"{day}, {MONTHS[month]}, {year}, {days[week % 7]}",
    )


def _leap(year: int) -> bool:
    return year % 4 == 0 and year % 128 != 0


TASKS: dict[str, Generator] = {
    "mini-1-fridays": fridays,
    "mini-1-digits": digits,
    "mini-2-berths": berths,
    "mini-3-calendar": calendar,
}
