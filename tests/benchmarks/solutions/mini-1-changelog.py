from collections import Counter
from pathlib import Path

entries = Counter()
version, part = None, None
for line in Path("CHANGES.md").read_text().splitlines():
    if line.startswith("## "):
        version = line.split()[1] if line[3].isdigit() and "withdrawn" not in line else None
    elif line.startswith("### "):
        part = line[4:]
    elif line[:2] in ("- ", "* ") and version and part == "Fixed":
        entries[version] += 1
print(entries.most_common(1)[0][0])
