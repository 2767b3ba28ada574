import pandas as pd

readings = pd.read_csv("readings.csv", parse_dates=["time"])
readings = readings[readings["temperature"] < 999]
update = pd.Timestamp("2024-04-15 06:00")
old = readings["time"] < update
readings["celsius"] = readings["temperature"].where(~old, (readings["temperature"] - 32) / 1.8)
placement = pd.read_excel("placement.xlsx", header=2)
joined = readings.merge(placement, on="sensor")
stood = (joined["from"] <= joined["time"]) & (joined["time"] < joined["until"])
bench_b = joined[stood & (joined["bench"] == "B")]
print(f"{(bench_b['celsius'] - 18).clip(lower=0).sum():.1f}")
