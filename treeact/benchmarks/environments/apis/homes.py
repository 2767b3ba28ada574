"""Home search: set criteria, search, then save, visit or bid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from treeact.benchmarks.environments.apis.domain import Domain, named, require, world

Deal = Literal["rent", "buy"]
Kind = Literal["apartment", "house", "studio", "cottage"]
Feature = Literal["balcony", "garden", "lift", "parking", "furnished", "pets allowed"]


@dataclass(frozen=True)
class Home:
    """One offer; the price is in crowns, by month where it is for rent."""

    id: str
    city: str
    deal: Deal
    kind: Kind
    price: int
    bedrooms: int
    square_metres: int
    built: int
    features: tuple[Feature, ...]
    address: str


@dataclass(frozen=True)
class Visit:
    """An appointment to see a home."""

    home: str
    day: date
    hour: int


@dataclass(frozen=True)
class Offer:
    """A bid for a home."""

    home: str
    amount: int


@dataclass(frozen=True)
class HomeState:
    """The criteria, what they found, and what was done about it."""

    city: str | None = None
    deal: Deal | None = None
    kind: Kind | None = None
    bedrooms: int = 0
    low: int = 0
    high: int | None = None
    features: tuple[Feature, ...] = ()
    found: tuple[str, ...] | None = None
    """None until a search, and again after a criterion has changed."""
    saved: tuple[str, ...] = ()
    visits: tuple[Visit, ...] = ()
    offers: tuple[Offer, ...] = ()


def all_homes() -> tuple[Home, ...]:
    """Return every home on offer."""
    return world(tuple[Home, ...], "homes.json")


class Homes(Domain[HomeState]):
    """The calls of home search."""

    @classmethod
    def _start(cls) -> HomeState:
        return HomeState()

    def set_city(self, city: str) -> str:
        """Search in this city.

        Args:
            city: the city's name, such as "Lund".
        """
        cities = sorted({home.city for home in all_homes()})
        named(cities, city, of=str, what="city")
        return self._criterion(city=city)

    def set_deal(self, deal: Deal) -> str:
        """Search for homes to rent or to buy."""
        return self._criterion(deal=deal)

    def set_kind(self, kind: Kind) -> str:
        """Search for one kind of home only."""
        return self._criterion(kind=kind)

    def set_bedrooms(self, at_least: int) -> str:
        """Search for homes with at least so many bedrooms."""
        require(0 <= at_least <= 20, "at_least must be from 0 to 20")
        return self._criterion(bedrooms=at_least)

    def set_budget(self, high: int, low: int = 0) -> str:
        """Search for homes whose price is from `low` to `high` crowns, by month for rent."""
        require(0 <= low <= high, f"low ({low}) must be from 0 to high ({high})")
        return self._criterion(low=low, high=high)

    def require_feature(self, feature: Feature) -> str:
        """Search for homes that have this feature, beside those required before."""
        require(feature not in self.state.features, f"{feature!r} is required already")
        return self._criterion(features=(*self.state.features, feature))

    def clear_criteria(self) -> str:
        """Forget all criteria."""
        start = HomeState()
        fields = ("city", "deal", "kind", "bedrooms", "low", "high", "features")
        return self._criterion(**{field: getattr(start, field) for field in fields})

    def search(self) -> list[dict[str, Any]]:
        """Find homes that meet all criteria, the cheapest first. City and deal must be set."""
        require(self.state.city, "set the city first")
        require(self.state.deal, "set the deal, rent or buy, first")
        found = sorted(filter(self._fits, all_homes()), key=lambda home: (home.price, home.id))
        self._set(found=tuple(home.id for home in found))
        return [
            {"id": home.id, "price": home.price, "bedrooms": home.bedrooms, "kind": home.kind}
            for home in found
        ]

    def details(self, home_id: str) -> dict[str, Any]:
        """Tell all about a home that the last search found."""
        home = self._found(home_id)
        return {**vars(home), "features": list(home.features)}

    def save(self, home_id: str) -> str:
        """Put a home that the last search found on the list of favourites."""
        home = self._found(home_id)
        require(home.id not in self.state.saved, f"{home.id} is saved already")
        self._set(saved=(*self.state.saved, home.id))
        return f"{home.id} is saved"

    def book_visit(self, home_id: str, day: date, hour: int) -> str:
        """Make an appointment to see a home that the last search found.

        Args:
            home_id: the home.
            day: not a Sunday.
            hour: from 9 to 17; at most one visit can be at an hour.
        """
        home = self._found(home_id)
        require(day.isoweekday() != 7, f"{day} is a Sunday: choose another day")
        require(9 <= hour <= 17, "visits are from 9 to 17 o'clock")
        taken = any((visit.day, visit.hour) == (day, hour) for visit in self.state.visits)
        require(not taken, f"you have a visit on {day} at {hour} already")
        self._set(visits=(*self.state.visits, Visit(home.id, day, hour)))
        return f"{home.id} can be seen on {day} at {hour}"

    def make_offer(self, home_id: str, amount: int) -> str:
        """Bid for a home for sale that you have booked a visit to.

        Args:
            home_id: the home.
            amount: crowns, at least nine tenths of the price.
        """
        home = self._found(home_id)
        require(home.deal == "buy", f"{home.id} is for rent: offers are for homes for sale")
        visited = any(visit.home == home.id for visit in self.state.visits)
        require(visited, f"book a visit to {home.id} first")
        require(amount >= 0.9 * home.price, f"{amount} is below nine tenths of {home.price}")
        self._set(offers=(*self.state.offers, Offer(home.id, amount)))
        return f"{amount} is offered for {home.id}"

    def _criterion(self, **criteria: Any) -> str:
        self._set(found=None, **criteria)
        return "Set; search again to see what fits."

    def _fits(self, home: Home) -> bool:
        state = self.state
        return (
            (home.city, home.deal) == (state.city, state.deal)
            and state.kind in (None, home.kind)
            and home.bedrooms >= state.bedrooms
            and state.low <= home.price
            and (state.high is None or home.price <= state.high)
            and set(state.features) <= set(home.features)
        )

    def _found(self, home_id: str) -> Home:
        require(self.state.found is not None, "search first")
        named(self.state.found or (), home_id, of=str, what="home among those found,")
        return next(home for home in all_homes() if home.id == home_id)
