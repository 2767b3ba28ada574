import numpy as np
from PIL import Image

west = np.asarray(Image.open("sheet_west.png").convert("L"))[::-1, ::-1] * 0.2
east = np.asarray(Image.open("sheet_east.png").convert("L")) * 0.5 * 0.3048
low = np.pad(np.hstack([west, east]) <= 12.1, 1)
wet = np.zeros_like(low)
wet[-2, 1] = low[-2, 1]
while True:
    before = wet.sum()
    wet[1:] |= wet[:-1]
    wet &= low
    wet[:-1] |= wet[1:]
    wet &= low
    wet[:, 1:] |= wet[:, :-1]
    wet &= low
    wet[:, :-1] |= wet[:, 1:]
    wet &= low
    if wet.sum() == before:
        break
print(wet.sum())
