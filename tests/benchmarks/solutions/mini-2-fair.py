import csv
import email
import email.policy
import io

with open("hire.eml", "rb") as file:
    message = email.message_from_binary_file(file, policy=email.policy.default)
[attached] = message.iter_attachments()
table = attached.get_content()
table = table.decode() if isinstance(table, bytes) else table
total = 0
for row in csv.DictReader(io.StringIO(table)):
    count = int(row["count"])
    if (row["place"], row["thing"]) == ("marquee", "round tables"):
        count = 14
    if (row["place"], row["thing"]) == ("boathouse", "folding chairs"):
        count = 0
    total += count * round(100 * float(row["price per day"]))
print(f"{3 * total / 100:.2f}")
