import csv
import re
from datetime import datetime, timedelta
from pathlib import Path

offsets = {}
with open("stations.csv", newline="") as file:
    for row in csv.DictReader(file):
        sign, hours, minutes = re.match(r"([+-])(\d\d):(\d\d)", row["utc offset"]).groups()
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        offsets[row["code"]] = -offset if sign == "-" else offset
offsets["DUN"] = timedelta(0)
offsets["KES"] += timedelta(minutes=4, seconds=20)
detected = {}
for line in Path("shock.log").read_text().splitlines():
    trigger = re.match(r"(\S+ \S+) (\w+) TRIGGER amp=(\d+)", line)
    if trigger and int(trigger[3]) >= 50:
        code = trigger[2]
        utc = datetime.strptime(trigger[1], "%Y-%m-%d %H:%M:%S") - offsets[code]
        detected[code] = min(utc, detected.get(code, utc))
print(", ".join(sorted(detected, key=detected.get)))
