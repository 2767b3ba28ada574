import tomllib

with open("lighting.toml", "rb") as file:
    plan = tomllib.load(file)
total = 0
for zone in plan["zone"]:
    full = {**plan["defaults"], **zone}
    if full["on"]:
        total += full["lamps"] * full["watts"] * full["hours"]
print(total)
