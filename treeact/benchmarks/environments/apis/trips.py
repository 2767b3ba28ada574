"""Trip booking: route and dates, flights there and back, a hotel, then the booking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from treeact.benchmarks.environments.apis.domain import Domain, named, require, world

Cabin = Literal["economy", "business"]


@dataclass(frozen=True)
class Flight:
    """A daily flight; the price is for one traveller."""

    id: str
    origin: str
    destination: str
    cabin: Cabin
    departs: int
    """Hour of the day."""
    stops: int
    hours: float
    price: int


@dataclass(frozen=True)
class Hotel:
    """A hotel; the price is for one room and night, and a room is for two."""

    id: str
    city: str
    name: str
    stars: int
    price: int
    breakfast: bool
    metres_to_centre: int


@dataclass(frozen=True)
class Catalogue:
    """All that can be booked."""

    flights: tuple[Flight, ...]
    hotels: tuple[Hotel, ...]


@dataclass(frozen=True)
class Booking:
    """What was booked, and its price for all travellers."""

    travellers: int
    leaves: date
    returns: date | None
    flight: str
    flight_back: str | None
    hotel: str | None
    total: int


@dataclass(frozen=True)
class TripState:
    """The trip that is being put together, and those that are booked."""

    origin: str | None = None
    destination: str | None = None
    leaves: date | None = None
    returns: date | None = None
    travellers: int = 1
    cabin: Cabin = "economy"
    flights_found: tuple[str, ...] | None = None
    flights_back_found: tuple[str, ...] | None = None
    hotels_found: tuple[str, ...] | None = None
    flight: str | None = None
    flight_back: str | None = None
    hotel: str | None = None
    bookings: tuple[Booking, ...] = ()


NOTHING_FOUND = {
    field: None
    for field in (
        "flights_found", "flights_back_found", "hotels_found", "flight", "flight_back", "hotel"
    )
}  # fmt: skip


def catalogue() -> Catalogue:
    """Return all that can be booked."""
    return world(Catalogue, "trips.json")


class Trips(Domain[TripState]):
    """The calls of trip booking."""

    @classmethod
    def _start(cls) -> TripState:
        return TripState()

    def set_route(self, origin: str, destination: str) -> str:
        """Travel between two cities. What was found and chosen before is forgotten."""
        cities = sorted({flight.origin for flight in catalogue().flights})
        for city in (origin, destination):
            named(cities, city, of=str, what="city")
        require(origin != destination, "origin and destination are the same city")
        return self._criterion(origin=origin, destination=destination)

    def set_dates(self, leaves: date, returns: date | None = None) -> str:
        """Travel on these days; without `returns` one way. What was found before is forgotten."""
        require(returns is None or returns > leaves, "the return must be after the departure")
        return self._criterion(leaves=leaves, returns=returns)

    def set_travellers(self, count: int) -> str:
        """Book for so many people, from 1 to 9. What was found before is forgotten."""
        require(1 <= count <= 9, "count must be from 1 to 9")
        return self._criterion(travellers=count)

    def set_cabin(self, cabin: Cabin) -> str:
        """Fly in this cabin. What was found before is forgotten."""
        return self._criterion(cabin=cabin)

    def search_flights(self, max_stops: int = 2) -> list[dict[str, Any]]:
        """Find flights to the destination, the cheapest first. Route and dates must be set."""
        self._check_route()
        found = self._flights(self.state.origin, self.state.destination, max_stops)
        self._set(flights_found=tuple(flight.id for flight in found), flight=None)
        return [vars(flight) for flight in found]

    def choose_flight(self, flight_id: str) -> str:
        """Choose one of the flights that were found."""
        self._check_found(self.state.flights_found, flight_id, "flight", "search_flights")
        self._set(flight=flight_id)
        return f"{flight_id} is chosen"

    def search_flights_back(self, max_stops: int = 2) -> list[dict[str, Any]]:
        """Find flights back, the cheapest first. A flight there must be chosen."""
        require(self.state.returns, "the trip is one way: set a return date first")
        require(self.state.flight, "choose the flight there first")
        found = self._flights(self.state.destination, self.state.origin, max_stops)
        self._set(flights_back_found=tuple(flight.id for flight in found), flight_back=None)
        return [vars(flight) for flight in found]

    def choose_flight_back(self, flight_id: str) -> str:
        """Choose one of the flights back that were found."""
        found = self.state.flights_back_found
        self._check_found(found, flight_id, "flight", "search_flights_back")
        self._set(flight_back=flight_id)
        return f"{flight_id} is chosen"

    def search_hotels(self, min_stars: int = 1, breakfast: bool = False) -> list[dict[str, Any]]:
        """Find hotels at the destination, the cheapest first. The dates must be both ways.

        Args:
            min_stars: from 1 to 5.
            breakfast: whether it must be included.
        """
        self._check_route()
        require(self.state.returns, "a hotel needs a return date: set the dates first")
        hotels = [
            hotel
            for hotel in catalogue().hotels
            if hotel.city == self.state.destination
            and hotel.stars >= min_stars
            and (hotel.breakfast or not breakfast)
        ]
        hotels.sort(key=lambda hotel: (hotel.price, hotel.id))
        self._set(hotels_found=tuple(hotel.id for hotel in hotels), hotel=None)
        return [vars(hotel) for hotel in hotels]

    def choose_hotel(self, hotel_id: str) -> str:
        """Choose one of the hotels that were found."""
        self._check_found(self.state.hotels_found, hotel_id, "hotel", "search_hotels")
        self._set(hotel=hotel_id)
        return f"{hotel_id} is chosen"

    def quote(self) -> int:
        """Return the price of what is chosen, for all travellers and nights."""
        require(self.state.flight, "choose a flight first")
        return self._total()

    def book(self) -> dict[str, Any]:
        """Book what is chosen; with a return date that includes a flight back."""
        state = self.state
        require(state.flight and state.leaves, "choose a flight first")
        require(not state.returns or state.flight_back, "choose a flight back first")
        booking = Booking(
            travellers=state.travellers,
            leaves=state.leaves,  # type: ignore[arg-type]
            returns=state.returns,
            flight=state.flight,  # type: ignore[arg-type]
            flight_back=state.flight_back,
            hotel=state.hotel,
            total=self._total(),
        )
        self._set(bookings=(*state.bookings, booking), **NOTHING_FOUND)
        return vars(booking)

    def _criterion(self, **criteria: Any) -> str:
        self._set(**criteria, **NOTHING_FOUND)
        return "Set; search to see what there is."

    def _check_route(self) -> None:
        require(self.state.origin and self.state.destination, "set the route first")
        require(self.state.leaves, "set the dates first")

    def _check_found(self, found: tuple[str, ...] | None, id: str, what: str, search: str) -> None:
        require(found is not None, f"call {search} first")
        named(found or (), id, of=str, what=f"{what} among those found,")

    def _flights(self, origin: str | None, to: str | None, max_stops: int) -> list[Flight]:
        found = [
            flight
            for flight in catalogue().flights
            if (flight.origin, flight.destination, flight.cabin) == (origin, to, self.state.cabin)
            and flight.stops <= max_stops
        ]
        return sorted(found, key=lambda flight: (flight.price, flight.id))

    def _total(self) -> int:
        state = self.state
        fares = sum(
            f.price for f in catalogue().flights if f.id in (state.flight, state.flight_back)
        )
        nights = (state.returns - state.leaves).days if state.returns and state.leaves else 0
        rooms = (state.travellers + 1) // 2
        night = sum(hotel.price for hotel in catalogue().hotels if hotel.id == state.hotel)
        return fares * state.travellers + rooms * nights * night
