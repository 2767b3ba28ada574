import html
import re

with open("line_14.html", encoding="utf-8") as file:
    page = file.read()
table = {}
for row in re.findall(r"<tr>(.*?)</tr>", page):
    head, *cells = [html.unescape(cell) for cell in re.findall(r"<t[hd]>(.*?)</t[hd]>", row)]
    table[head] = cells
boarding = [
    start
    for runs, start, end in zip(
        table["runs"], table["Millpond"], table["Central Station"], strict=True
    )
    if runs != "Sat" and "–" not in (start, end) and end <= "09:10"
]
print(max(boarding))
