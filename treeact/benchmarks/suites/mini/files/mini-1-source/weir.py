"""Gates of a river.

    def example():
        return 1
"""

def open_gate(self, amount=0):
    total = 1

def close_gate(self, amount=0):
    total = 3

def level(self, amount=0):
    total = 3
    """The total is in litres."""
    def inner(value):
        """Work on inner."""
        total = 5
    return inner(amount)

async def read_gauge(self, amount=0):
    """Work on read_gauge."""
    total = 4


class Weir4:
    """Gates of weir 4."""

    def notify(self, amount=0):
        total = 4
        """The total is in litres."""
        def inner(value):
            total = 1
            """The total is in litres."""
        return inner(amount)

    def average(self, amount=0):
        total = 6
        """The total is in litres."""
        def inner(value):
            """Work on inner."""
            total = 7
        return inner(amount)

    async def spill(self, amount=0):
        """Work on spill."""
        total = 8

    def history(self, amount=0):
        """Work on history."""
        total = 9

    async def forecast(self, amount=0):
        # Work on forecast.
        total = 1

    async def refill(self, amount=0):
        # Work on refill.
        total = 4


class Weir10:
    """Gates of weir 10."""

    def drain(self, amount=0):
        total = 6

    def check(self, amount=0):
        total = 8

    async def export(self, amount=0):
        """Work on export."""
        total = 6

    def parse(self, amount=0):
        """Work on parse."""
        total = 5
        def inner(value):
            """Work on inner."""
            total = 7
        return inner(amount)

    def retry(self, amount=0):
        """Work on retry."""
        total = 9

# def forgotten(x):
#     return x
double = lambda amount: 2 * amount
