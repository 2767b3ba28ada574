import configparser
import csv
import math

settings = configparser.ConfigParser()
settings.read(["kiln.ini", "site.ini"])
rise, shelf, rest = (settings.getint("kiln", key) for key in ("rise", "shelf", "rest"))
total = 0
with open("firings.tsv", newline="") as file:
    for row in csv.DictReader(file, delimiter="\t"):
        pots, target, start = (int(row[key]) for key in ("pots", "target", "start"))
        shelves = pots // shelf + (pots % shelf > 0)
        burnt = ((target - start) // rise + rest) * 7 + shelves // 2 * 5
        if row["glaze"] == "salt":
            burnt += burnt // 4 * 3
        total += math.floor(burnt / 2 + 0.5)
print(total)
