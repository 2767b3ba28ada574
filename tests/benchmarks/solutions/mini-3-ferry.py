x, minute, line = 13, 0, []
for number in range(1, 61):
    x = (37 * x + 11) % 101
    minute += x % 6
    line.append({"number": number, "minute": minute, "places": 2 if x % 3 == 0 else 1})
boat, places, longest = 15, 6, (0, 0)
for vehicle in line:
    while vehicle["minute"] > boat or vehicle["places"] > places:
        boat, places = boat + 15, 6
    places -= vehicle["places"]
    longest = max(longest, (boat - vehicle["minute"], vehicle["number"]))
print(f"{longest[1]}, {longest[0]}")
