import csv

with open("port_anselm_2023.csv", newline="") as file:
    rows = list(csv.DictReader(file))
print(
    sum(
        int(row["Tonnes"].replace(",", ""))
        for row in rows
        if row["Cargo "] == "timber" and row["Date"][5:7] in ("03", "04", "05")
    )
)
