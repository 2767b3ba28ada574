import csv

import numpy as np
from PIL import Image

bright = np.asarray(Image.open("plate.png").convert("L")) > 100
missing = 0
with open("catalogue.tsv", newline="") as file:
    for star in csv.DictReader(file, delimiter="\t"):
        x, y = int(star["x"]), bright.shape[0] - 1 - int(star["y"])
        missing += not bright[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4].any()
print(missing)
