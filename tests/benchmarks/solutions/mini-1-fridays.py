import pandas as pd

days = pd.date_range("1890-01-01", "2040-12-31")
unlucky = days[(days.day == 13) & (days.day_name() == "Friday")]
print((unlucky.year.value_counts() == 2).sum())
