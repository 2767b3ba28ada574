import re
import wave
from itertools import groupby
from pathlib import Path

import numpy as np

code = re.findall(r"^([A-Z])  ([01]{5})$", Path("code.txt").read_text(), re.M)
letters = {bits: {"G": "L", "L": "G"}.get(letter, letter) for letter, bits in code}
with wave.open("tape.wav") as sound:
    rate = sound.getframerate()
    samples = np.frombuffer(sound.readframes(sound.getnframes()), np.uint8).astype(int)
samples = samples[::-1]
block = rate // 200
loud = np.abs(samples[: len(samples) // block * block] - 128).reshape(-1, block).max(axis=1) > 30
text, bits = "", ""
for on, run in groupby(loud):
    milliseconds = 5 * len(list(run))
    if on:
        bits += "1" if milliseconds > 40 else "0"
    elif milliseconds > 70:
        text += letters.get(bits, "") + (" " if milliseconds > 300 and text else "")
        bits = ""
print((text + letters.get(bits, "")).strip())
