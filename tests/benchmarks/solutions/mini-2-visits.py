import re
from collections import defaultdict
from datetime import datetime
from itertools import pairwise
from pathlib import Path

requests = defaultdict(list)
for line in Path("access.log").read_text().splitlines():
    address, clock, agent = re.match(r'(\S+) .*\[([^ \]]+) .*"([^"]*)"$', line).groups()
    if "Bot" not in agent:
        requests[address].append(datetime.strptime(clock, "%d/%b/%Y:%H:%M:%S"))
visits = 0
for times in requests.values():
    times.sort()
    pauses = [(after - before).total_seconds() for before, after in pairwise(times)]
    visits += 1 + sum(pause > 1800 for pause in pauses)
print(visits)
