import heapq
import xml.etree.ElementTree as ET

root = ET.parse("trails.xml").getroot()
ids = {hut.get("name"): hut.get("id") for hut in root.iter("hut")}
ways = {}
for trail in root.iter("trail"):
    if trail.get("id") in ("T15", "T17"):
        continue
    slow = 1.5 if trail.get("exposed") == "yes" else 1
    start, end = trail.get("from"), trail.get("to")
    ways.setdefault(start, []).append((end, int(trail.get("out")) * slow))
    if trail.get("back"):
        ways.setdefault(end, []).append((start, int(trail.get("back")) * slow))
start, goal = ids["Alder"], ids["Linn"]
queue, done = [(0, start)], set()
while queue:
    time, hut = heapq.heappop(queue)
    if hut == goal:
        print(round(time))
        break
    if hut in done:
        continue
    done.add(hut)
    rest = 0 if hut == start else 15
    for near, minutes in ways.get(hut, []):
        heapq.heappush(queue, (time + rest + minutes, near))
