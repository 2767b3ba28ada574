import numpy as np
from PIL import Image

pixels = np.asarray(Image.open("counters.png").convert("RGB")).astype(int)
blue = (pixels[:, :, 2] > 150) & (pixels[:, :, 0] < 100)
discs = 0
for y, x in np.argwhere(blue):
    if not blue[y, x]:
        continue
    stack, shape = [(y, x)], []
    blue[y, x] = False
    while stack:
        row, column = stack.pop()
        shape.append((row, column))
        for near in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
            if blue[near]:
                blue[near] = False
                stack.append(near)
    height, width = np.ptp(np.array(shape), axis=0) + 1
    discs += len(shape) / (height * width) < 0.9
print(discs)
