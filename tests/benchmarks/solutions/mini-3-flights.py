import csv
import json
from datetime import datetime
from zoneinfo import ZoneInfo

with open("airports.json") as file:
    zones = {code: airport["zone"] for code, airport in json.load(file).items()}
lasting = {}
with open("flights.csv", newline="") as file:
    for row in csv.DictReader(file, delimiter=";"):
        moments = []
        for airport, clock in ((row["from"], row["departs"]), (row["to"], row["arrives"])):
            zone = "UTC" if row["flight"].startswith("ZQ") else zones[airport]
            local = datetime.strptime(f"2024 {clock}", "%Y %d.%m. %H:%M")
            moments.append(local.replace(tzinfo=ZoneInfo(zone)).timestamp())
        lasting[row["flight"]] = round((moments[1] - moments[0]) / 60)
best = min(lasting, key=lasting.get)
print(f"{best}, {lasting[best]}")
