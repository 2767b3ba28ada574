import re
from collections import Counter
from pathlib import Path

page = Path("table.html").read_text(encoding="utf-8")
rows = re.findall(r"<tr><th>(.*?)</th>(<td>.*?)</tr>", page)
clubs = [club for club, _ in rows]
points = Counter()
for home, cells in rows:
    for away, cell in zip(clubs, re.findall(r"<td>(.*?)</td>", cells), strict=True):
        result = re.sub(r"<s>.*?</s>", "", cell).strip()
        if result in ("", "&times;"):
            continue
        if result in ("H", "A"):
            scored, let_in = (1, 0) if result == "H" else (0, 1)
        else:
            scored, let_in = map(int, result.split(":"))
        points[home] += 3 if scored > let_in else scored == let_in
        points[away] += 3 if let_in > scored else scored == let_in
[fined] = re.findall(r"<p>(.*?) had four points taken away", page)
points[fined] -= 4
print(", ".join(str(points[club]) for club in clubs))
