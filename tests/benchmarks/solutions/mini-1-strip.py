from itertools import groupby

from PIL import Image

image = Image.open("strip.png").convert("L")
row = [image.getpixel((x, image.height // 2)) < 128 for x in range(image.width)]
bars = [len(list(run)) for dark, run in groupby(row) if dark]
print(int("".join("1" if width > 8 else "0" for width in bars), 2))
