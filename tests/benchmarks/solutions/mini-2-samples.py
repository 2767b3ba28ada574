import re

from pypdf import PdfReader

text = "\n".join(page.extract_text() for page in PdfReader("notebook_7.pdf").pages)
body, voided = text.split("samples void:")
void = set(re.findall(r"B-\d+", voided))
grams = {"g": 1, "kg": 1000, "mg": 0.001}
total = 0.0
for name, rock, mass, unit in re.findall(r"(B-\d+) +([a-z ]+?) +([\d,.]+) (g|kg|mg)\b", body):
    if rock == "basalt" and name not in void:
        total += float(mass.replace(",", "")) * grams[unit]
print(f"{total:.1f}")
