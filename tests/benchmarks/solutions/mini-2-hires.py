import pandas as pd

records = pd.read_json("hires.jsonl", lines=True, convert_dates=False)
records = records.rename(columns={"count": "moved"})
at = dict(records.loc[0, "bicycles"])
records = records.iloc[1:].drop_duplicates("id")
records["time"] = pd.to_datetime(records["time"], utc=True)
most = dict(at)
for record in records.sort_values("time").itertuples():
    if record.event == "out":
        at[record.dock] -= 1
    else:
        at[record.dock] += 1 if record.event == "in" else int(record.moved)
    most[record.dock] = max(most[record.dock], at[record.dock])
best = max(most, key=most.get)
print(f"{best}, {most[best]}")
