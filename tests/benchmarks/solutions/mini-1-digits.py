import numpy as np

numbers = np.arange(10_000, 100_000)
places = numbers[:, None] // 10 ** np.arange(5) % 10
total = places.sum(axis=1)
reverse = (places * 10 ** np.arange(5)[::-1]).sum(axis=1)
print(((places > 0).all(axis=1) & (numbers % total == 0) & (reverse % (total + 1) == 0)).sum())
