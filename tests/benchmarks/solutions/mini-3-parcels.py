import csv
import math
import re

from pypdf import PdfReader

tariff = PdfReader("tariff.pdf").pages[0].extract_text()
rates = []
for line in tariff.splitlines():
    band = re.match(r" *(\d+) kg \(3\) +([\d.]+) +([\d.]+) +([\d.]+)", line)
    if band:
        cents = [round(float(rate) * 100) for rate in band.groups()[1:]]
        rates.append((int(band[1]), dict(zip("ABC", cents, strict=True))))
total = 0
with open("parcels.csv", newline="") as file:
    for parcel in csv.DictReader(file):
        number, unit = parcel["weight"].split()
        scales = float(number) / (1000 if unit == "g" else 1)
        sides = [int(side) for side in parcel["size in cm"].split("x")]
        weight = max(scales, math.prod(sides) / 5000) if parcel["zone"] == "C" else scales
        line = next(index for index, (limit, _) in enumerate(rates) if weight <= limit)
        if max(sides) > 100:
            line = min(line + 1, len(rates) - 1)
        cents = rates[line][1][parcel["zone"]]
        if parcel["zone"] == "B" and parcel["posted"] >= "2024-07-01":
            cents = math.ceil(cents * 1.08 / 5) * 5
        total += cents + (450 if parcel["island"] == "yes" and scales > 1 else 0)
print(f"{total / 100:.2f}")
