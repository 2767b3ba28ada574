import csv
import re
from collections import Counter

OUNCES = {"st": 14 * 16, "lb": 16, "oz": 1}
boats = Counter()
with open("catch.csv", newline="") as file:
    for row in csv.DictReader(file, delimiter=";"):
        parts = re.findall(r"(\d+)\s*(st|lb|oz)", row["weight"].lower())
        boats[row["boat"]] += sum(int(number) * OUNCES[unit] for number, unit in parts)
(best, most), *_, (_, least) = boats.most_common()
print(f"{best}, {most - least}")
