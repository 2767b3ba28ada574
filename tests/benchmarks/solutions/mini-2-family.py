import xml.etree.ElementTree as ET

F = "{urn:example:family}"
people = list(ET.parse("family.xml").iter(f"{F}person"))
children = {}
for person in people:
    for parent in person.iter(f"{F}parent"):
        children.setdefault(parent.get("ref"), []).append(person)
[ada] = [p for p in people if p.get("name") == "Ada Torvik" and p.get("born") == "1841"]
alive, queue, seen = 0, [ada], set()
while queue:
    for child in children.get(queue.pop().get("id"), []):
        if child.get("id") not in seen:
            seen.add(child.get("id"))
            alive += int(child.get("died", "9999")) > 1950
            queue.append(child)
print(alive)
