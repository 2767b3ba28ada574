import csv
import sqlite3

with sqlite3.connect("fuel.sqlite") as base:
    ships = {number: (name, unit) for number, name, unit in base.execute("select * from ship")}
    rows = base.execute("select * from voyage order by id").fetchall()
base.close()
with open("corrections.csv", newline="") as file:
    corrected = {int(row["voyage"]): row for row in csv.DictReader(file)}
seen, litres = set(), dict.fromkeys(ships, 0.0)
for voyage, ship, day, fuel, entered, withdrawn in rows:
    if (ship, day) in seen:
        continue
    seen.add((ship, day))
    change = corrected.get(voyage)
    if change and change["entered"] > entered:
        fuel = int(change["fuel"])
    if withdrawn is None:
        litres[ship] += fuel * (4.546 if ships[ship][1] == "gal" else 1)
best = max(litres, key=litres.get)
print(f"{ships[best][0]}, {litres[best]:.0f}")
