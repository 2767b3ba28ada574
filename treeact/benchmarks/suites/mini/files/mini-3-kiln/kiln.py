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
for row in csv.DictReader(open("firings.tsv"), delimiter="\t"):
    total = total + litres(row)
print("litres of fuel: %d" % total)
