import xml.etree.ElementTree as ET
import zipfile

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
with zipfile.ZipFile("loans.docx") as document:
    root = ET.fromstring(document.read("word/document.xml"))
total = 0
for row in root.iter(f"{W}tr"):
    cells = ["".join(text.text for text in cell.iter(f"{W}t")) for cell in row.iter(f"{W}tc")]
    if "glass" in cells[2].lower():
        total += int(cells[3].lstrip("£ ").replace(",", ""))
print(total)
