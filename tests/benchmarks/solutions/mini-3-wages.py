from openpyxl import load_workbook

book = load_workbook("hours.xlsx")
rates = dict(book["Rates from 19"].iter_rows(min_row=2, max_col=2, values_only=True))
department, total = None, 0.0
for row in book["Week 20"].iter_rows(min_row=3, values_only=True):
    department = row[0] or department
    if department != "Kiln" or row[2] not in rates:
        continue
    hours = 0.0
    for cell in row[3:8]:
        if isinstance(cell, str):
            whole, minutes = map(int, cell.split(":"))
            hours += whole + minutes / 60
        else:
            hours += cell
    total += rates[row[2]] * (hours + max(0, hours - 38) / 2)
print(f"{total:.2f}")
