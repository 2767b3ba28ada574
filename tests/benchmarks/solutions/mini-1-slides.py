import re
import zipfile

planted = 0
with zipfile.ZipFile("street_trees.pptx") as deck:
    for name in deck.namelist():
        if not re.fullmatch(r"ppt/slides/slide\d+\.xml", name):
            continue
        slide = deck.read(name).decode()
        hidden = re.search(r'<p:sld\b[^>]*show="0"', slide)
        trees = re.search(r"(\d+) trees planted", slide)
        planted += int(trees[1]) if trees and not hidden else 0
print(planted)
