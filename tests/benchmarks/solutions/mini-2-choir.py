import re
from datetime import datetime, timedelta
from pathlib import Path

text = Path("choir.ics").read_bytes().decode().replace("\r\n ", "")
series, changed = [], {}
for block in re.findall(r"BEGIN:VEVENT\r\n(.*?)END:VEVENT", text, re.S):
    lines = [line.split(":", 1) for line in block.splitlines()]
    event = dict(lines)
    event["out"] = {value for name, value in lines if name == "EXDATE"}
    start = datetime.strptime(event["DTSTART"], "%Y%m%dT%H%M%S")
    if "DTEND" in event:
        length = datetime.strptime(event["DTEND"], "%Y%m%dT%H%M%S") - start
    else:
        length = timedelta(minutes=int(re.search(r"PT(\d+)M", event["DURATION"])[1]))
    event |= {"start": start, "minutes": length.total_seconds() / 60}
    if "RECURRENCE-ID" in event:
        changed[event["UID"], event["RECURRENCE-ID"]] = event
    else:
        series.append(event)


def occurrences(event):
    rule = event.get("RRULE", "COUNT=1")
    count = re.search(r"COUNT=(\d+)", rule)
    until = re.search(r"UNTIL=(\w+)", rule)
    when, number = event["start"], 0
    while number < int(count[1]) if count else f"{when:%Y%m%dT%H%M%S}" <= until[1]:
        stamp = f"{when:%Y%m%dT%H%M%S}"
        if stamp not in event["out"]:
            yield changed.get((event["UID"], stamp), {**event, "start": when})
        when, number = when + timedelta(weeks=1), number + 1


total = 0
for event in series:
    for happening in occurrences(event):
        counted = "Rehearsal" in happening["SUMMARY"] and happening.get("STATUS") != "CANCELLED"
        total += happening["minutes"] * (counted and happening["start"].month in (2, 3))
print(round(total))
