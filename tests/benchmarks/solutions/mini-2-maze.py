from collections import deque
from pathlib import Path

rows = Path("maze.txt").read_text().splitlines()
[(start_x, start_y)] = [(row.index("S"), y) for y, row in enumerate(rows) if "S" in row]
queue, seen = deque([(start_x, start_y, False, 0)]), set()
while queue:
    x, y, key, steps = queue.popleft()
    field = rows[y][x]
    if field == "#" or (field == "G" and not key) or (x, y, key) in seen:
        continue
    seen.add((x, y, key))
    if field == "E":
        print(steps)
        break
    key = key or field == "K"
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        queue.append((x + dx, y + dy, key, steps + 1))
