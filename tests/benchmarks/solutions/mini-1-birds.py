import re
from pathlib import Path

total = 0
for line in Path("reedmere.txt").read_text().splitlines():
    entry = re.match(r"(\d\d):\d\d  (.*)", line)
    if not entry or int(entry[1]) < 6 or "nothing seen" in line:
        continue
    for species in entry[2].split(", "):
        count = re.search(r" x(\d+)", species)
        total += int(count[1]) if count else 1
print(total)
