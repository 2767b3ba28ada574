import json
import zipfile
from collections import defaultdict

readings = defaultdict(dict)
with zipfile.ZipFile("meters.zip") as archive:
    for name in archive.namelist():
        for line in archive.read(name).decode().splitlines():
            row = json.loads(line)
            if row["m3"] is not None:
                readings[row["meter"]][row["date"]] = int(row["m3"])
used = {}
for meter, values in readings.items():
    first, *_, last = [values[day] for day in sorted(values)]
    used[meter] = (last - first) % 10_000
best = max(used, key=used.get)
print(f"{best}, {used[best]}")
