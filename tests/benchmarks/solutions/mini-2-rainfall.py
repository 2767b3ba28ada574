import numpy as np
from PIL import Image

pixels = np.asarray(Image.open("rain.png").convert("RGB")).astype(int)
brightness = pixels.sum(axis=2)
foot = int(np.argwhere((brightness == 0).sum(axis=1) > 400)[0, 0])
grid = [y for y in range(foot) if (brightness[y] == brightness[y, 41]).sum() > 100]
lines = [y for y in grid if brightness[y, 41] < 700]
millimetres = 20 / (lines[1] - lines[0])
light, dark = (tuple(pixels[foot - 1, x]) for x in (52, 67))


def height(colour, left):
    return round((pixels[:, left + 7] == colour).all(axis=1).sum() * millimetres)


rises = [height(dark, x + 15) - height(light, x) for x in range(50, 50 + 12 * 44, 44)]
best = int(np.argmax(rises))
print(f"{best + 1}, {rises[best]}")
