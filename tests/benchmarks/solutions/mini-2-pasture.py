import json
from itertools import pairwise


def area(ring):
    return abs(sum(x * b - a * y for (x, y), (a, b) in pairwise(ring))) / 2


with open("parcels.geojson") as file:
    features = json.load(file)["features"]
total = 0
for feature in features:
    shape = feature["geometry"]
    parts = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
    if feature["properties"]["use"] == "meadow":
        for outline, *holes in parts:
            total += area(outline) - sum(map(area, holes))
print(round(total))
