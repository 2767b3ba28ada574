import csv
import hashlib
import io
import tarfile
import zipfile

with tarfile.open("moths.tar.gz") as archive:
    files = {name: archive.extractfile(name).read() for name in archive.getnames()}
total = 0
for line in files["MANIFEST.sha256"].decode().splitlines():
    digest, name = line.split()
    for folder in ("nights", "resent"):
        content = files.get(f"{folder}/{name}", b"")
        if hashlib.sha256(content).hexdigest() == digest:
            with zipfile.ZipFile(io.BytesIO(content)) as night:
                table = night.read(night.namelist()[0]).decode()
            rows = csv.DictReader(io.StringIO(table))
            total += sum(int(row["count"]) for row in rows if row["kind"] == "hawk-moth")
            break
print(total)
