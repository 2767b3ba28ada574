from itertools import permutations

for auk, brill, cormorant, dab, eider in permutations(range(5)):
    for cargo in permutations(["cider", "hay", "ice", "slate", "wool"]):
        berth = {name: place for place, name in enumerate(cargo)}
        if abs(auk - berth["slate"]) != 1 or not berth["cider"] < cormorant < dab:
            continue
        if brill - berth["wool"] != 2 or cargo[eider] != "ice" or eider in (0, 4):
            continue
        if abs(brill - dab) != 1:
            print(", ".join(cargo[boat] for boat in (auk, brill, cormorant, dab, eider)))
