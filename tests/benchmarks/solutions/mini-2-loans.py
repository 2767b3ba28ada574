import pandas as pd

loans = pd.read_csv("loans.csv").drop_duplicates().dropna(subset=["back"])
members = pd.read_csv("members.csv", sep=";")
loans["number"] = loans["member"].str.removeprefix("M-").astype(int)


def parse(text):
    return pd.to_datetime(text, format="%d/%m/%Y" if "/" in text else "%Y-%m-%d")


days = (loans["back"].map(parse) - loans["out"].map(parse)).dt.days
joined = loans[days > 21].merge(members, on="number")
print(joined[joined["category"] == "junior"]["number"].nunique())
