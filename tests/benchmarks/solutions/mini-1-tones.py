import wave

import numpy as np

with wave.open("buoy.wav") as sound:
    rate = sound.getframerate()
    samples = np.frombuffer(sound.readframes(sound.getnframes()), np.uint8).astype(float) - 128
block = rate // 100
loud = np.abs(samples[: len(samples) // block * block]).reshape(-1, block).max(axis=1) > 10
edges = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(int), [0]])))
high = 0
for start, end in zip(edges[::2], edges[1::2], strict=True):
    tone = samples[start * block : end * block]
    spectrum = np.abs(np.fft.rfft(tone))
    spectrum[0] = 0
    high += np.argmax(spectrum) * rate / len(tone) >= 600
print(high)
