import json
from datetime import datetime

with open("hires.jsonl") as file:
    first, *records = [json.loads(line) for line in file]
at = first["bicycles"]
most = dict(at)
records = {record["id"]: record for record in records}.values()
for record in sorted(records, key=lambda record: datetime.fromisoformat(record["time"])):
    dock = record["dock"]
    at[dock] += {"out": -1, "in": 1}.get(record["event"]) or record["count"]
    most[dock] = max(most[dock], at[dock])
best = max(most, key=most.get)
print(f"{best}, {most[best]}")
