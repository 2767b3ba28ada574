import re

OUNCES = {"st": 14 * 16, "lb": 16, "oz": 1}
total = 0
with open("tide_mill.txt") as file:
    for line in file:
        if line.startswith("May "):
            weight = line.split(":")[1].lower()
            parts = re.findall(r"(\d+)\s*(st|lb|oz)", weight)
            total += sum(int(number) * OUNCES[unit] for number, unit in parts)
print(total)
