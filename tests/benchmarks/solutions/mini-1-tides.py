from itertools import pairwise
from pathlib import Path

lines = Path("inner_sound.tsv").read_text().splitlines()
rows = [line.split("\t") for line in lines if not line.startswith("#")]
waters = [(kind, float(height.replace(",", "."))) for _, _, kind, height in rows]
falls = [before - after for (kind, before), (_, after) in pairwise(waters) if kind == "HW"]
print(f"{max(falls):.2f}")
