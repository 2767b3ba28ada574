import pandas as pd

orders = pd.read_excel("bakery_orders.xlsx", sheet_name="Orders", header=2).drop_duplicates()
returns = pd.read_excel("bakery_orders.xlsx", sheet_name="Returns", header=1)


def parse_date(value):
    return pd.to_datetime(value, format="%d.%m.%Y") if isinstance(value, str) else value


def parse_price(value):
    return float(value.lstrip("€ ").replace(",", ".")) if isinstance(value, str) else value


orders["Date"] = pd.to_datetime(orders["Date"].map(parse_date))
orders["Price"] = orders["Price per box"].map(parse_price)
orders = orders.merge(returns.rename(columns={"Boxes": "Back"}), on="Order", how="left")
orders["Kept"] = orders["Boxes"] - orders["Back"].fillna(0)
wanted = (orders["Region"].str.strip().str.lower() == "north") & (orders["Date"].dt.quarter == 2)
print(f"{(orders.Kept * orders.Price)[wanted].sum():.2f}")
