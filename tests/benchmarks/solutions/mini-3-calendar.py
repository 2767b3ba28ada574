from datetime import date

months = ["Frost", "Thaw", "Seed", "Leaf", "Dew", "Hay", "Gold", "Wine", "Mist", "Snow"]
week = ["Oneday", "Twoday", "Threeday", "Fourday", "Fiveday", "Sixday", "Restday"]
left = (date(2024, 5, 17) - date(1794, 3, 1)).days
year = 1


def feast(year):
    return 6 if year % 4 == 0 and year % 128 else 5


while left >= 360 + feast(year):
    left -= 360 + feast(year)
    year += 1
month, day = min(left // 36, 9), left - 36 * min(left // 36, 9)
weekday = week[((year - 1) * 360 + left) % 7]
print(f"{day + 1}, {months[month]}, {year}, {weekday}")
