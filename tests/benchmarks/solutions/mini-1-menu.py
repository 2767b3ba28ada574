import json

with open("menu.json", encoding="utf-8") as file:
    menu = json.load(file)["menu"]
dishes = [dish for section in menu for dish in section["dishes"]]
vegan = [dish for dish in dishes if "vegan" in dish.get("tags", []) and dish["price"]]
print(max(vegan, key=lambda dish: float(dish["price"].lstrip("£")))["name"])
