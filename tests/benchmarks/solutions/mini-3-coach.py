import email
import email.policy
import re
import zipfile
from email.utils import parseaddr, parsedate_to_datetime

latest = {}
with zipfile.ZipFile("inbox.zip") as archive:
    for name in archive.namelist():
        message = email.message_from_bytes(archive.read(name), policy=email.policy.default)
        address = parseaddr(message["From"])[1].lower()
        sent = parsedate_to_datetime(message["Date"])
        seats = int(re.search(r"^Seats: (\d+)", message.get_content(), re.M)[1])
        if address not in latest or sent > latest[address][0]:
            latest[address] = (sent, seats)
print(sum(seats for _, seats in latest.values()))
