"""Calendar and e-mail: read what people want, meet them, and tell them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from treeact.benchmarks.environments.apis.domain import Domain, named, require, world

FIRST_HOUR, LAST_HOUR = 8, 18


@dataclass(frozen=True)
class Person:
    """A colleague."""

    name: str
    address: str
    team: str


@dataclass(frozen=True)
class Room:
    """A meeting room."""

    name: str
    seats: int
    projector: bool


@dataclass(frozen=True)
class Mail:
    """A message; `sender` and `to` are addresses."""

    id: str
    sender: str
    to: str
    subject: str
    body: str


@dataclass(frozen=True)
class Event:
    """A meeting of whole hours; attendees are names, without oneself."""

    id: str
    title: str
    day: date
    start: int
    hours: int
    attendees: tuple[str, ...]
    room: str | None = None

    @property
    def times(self) -> set[tuple[date, int]]:
        """The hours that it takes."""
        return {(self.day, hour) for hour in range(self.start, self.start + self.hours)}


@dataclass(frozen=True)
class OfficeState:
    """Mailbox and calendar."""

    people: tuple[Person, ...]
    rooms: tuple[Room, ...]
    inbox: tuple[Mail, ...]
    events: tuple[Event, ...]
    sent: tuple[Mail, ...] = ()
    archived: tuple[str, ...] = ()
    read: frozenset[str] = frozenset()
    """Mails that were read; only those can be answered."""


class Office(Domain[OfficeState]):
    """The calls of calendar and e-mail."""

    @classmethod
    def _start(cls) -> OfficeState:
        return world(OfficeState, "office.json")

    def find_people(self, team: str) -> list[dict[str, str]]:
        """Return the names and addresses of a team."""
        teams = sorted({person.team for person in self.state.people})
        named(teams, team, of=str, what="team")
        return [
            {"name": person.name, "address": person.address}
            for person in self.state.people
            if person.team == team
        ]

    def list_mails(self) -> list[dict[str, str]]:
        """Return id, sender and subject of each mail in the inbox."""
        return [{"id": m.id, "sender": m.sender, "subject": m.subject} for m in self.state.inbox]

    def read_mail(self, mail_id: str) -> dict[str, Any]:
        """Return a mail of the inbox with its text."""
        mail = self._mail(mail_id)
        self._set(read=self.state.read | {mail.id})
        return vars(mail)

    def reply(self, mail_id: str, body: str) -> str:
        """Answer a mail that was read."""
        mail = self._mail(mail_id)
        require(mail.id in self.state.read, f"read {mail.id} before you answer it")
        return self._send(mail.sender, f"Re: {mail.subject}", body)

    def send_mail(self, address: str, subject: str, body: str) -> str:
        """Send a mail to a colleague's address."""
        named(self.state.people, address, of=lambda person: person.address, what="address")
        return self._send(address, subject, body)

    def forward(self, mail_id: str, address: str) -> str:
        """Send a mail that was read on to a colleague's address."""
        mail = self._mail(mail_id)
        require(mail.id in self.state.read, f"read {mail.id} before you forward it")
        named(self.state.people, address, of=lambda person: person.address, what="address")
        return self._send(address, f"Fwd: {mail.subject}", mail.body)

    def archive(self, mail_id: str) -> str:
        """Move a mail from the inbox to the archive."""
        mail = self._mail(mail_id)
        inbox = tuple(other for other in self.state.inbox if other.id != mail.id)
        self._set(inbox=inbox, archived=(*self.state.archived, mail.id))
        return f"{mail.id} is archived"

    def list_events(self, day: date) -> list[dict[str, Any]]:
        """Return the meetings of a day, of everybody, the earliest first."""
        events = [event for event in self.state.events if event.day == day]
        return [vars(event) for event in sorted(events, key=lambda event: (event.start, event.id))]

    def free_hours(self, names: list[str], day: date) -> list[int]:
        """Return the hours of a day, from 8 to 17, at which all these colleagues and you are free.

        Args:
            names: colleagues.
            day: the day.
        """
        self._check_people(names)
        return [hour for hour in range(FIRST_HOUR, LAST_HOUR) if self._free(names, {(day, hour)})]

    def create_event(
        self, title: str, day: date, start: int, attendees: list[str], hours: int = 1
    ) -> str:
        """Put a meeting into the calendar, from 8 to 18 o'clock, when all are free.

        Args:
            title: what it is about.
            day: not on a week-end.
            start: hour.
            attendees: names of colleagues.
            hours: how long.

        Returns:
            The meeting's id.
        """
        self._check_people(attendees)
        id = f"E{1 + max((int(other.id[1:]) for other in self.state.events), default=0)}"
        event = Event(id, title, day, start, hours, tuple(attendees))
        self._check_time(event)
        self._set(events=(*self.state.events, event))
        return id

    def move_event(self, event_id: str, day: date, start: int) -> str:
        """Move a meeting to another time, when all of its attendees are free."""
        event = replace(self._event(event_id), day=day, start=start, room=None)
        self._check_time(event)
        self._replace_event(event)
        return f"{event_id} is moved; its room is given back"

    def add_attendee(self, event_id: str, name: str) -> str:
        """Invite one more colleague, who must be free then."""
        event = self._event(event_id)
        self._check_people([name])
        require(name not in event.attendees, f"{name} is invited already")
        require(self._free([name], event.times, but=event), f"{name} is not free then")
        self._replace_event(replace(event, attendees=(*event.attendees, name)))
        return f"{name} is invited"

    def book_room(self, event_id: str, room: str) -> str:
        """Book a room for a meeting: free then, and with a seat for you and each attendee."""
        event = self._event(event_id)
        chosen = named(self.state.rooms, room, of=lambda room: room.name, what="room")
        require(chosen.seats > len(event.attendees), f"{room} has {chosen.seats} seats only")
        others = (other for other in self.state.events if other.room == room and other != event)
        taken = any(other.times & event.times for other in others)
        require(not taken, f"{room} is taken then")
        self._replace_event(replace(event, room=room))
        return f"{room} is booked"

    def list_rooms(self) -> list[dict[str, Any]]:
        """Return the rooms with their seats."""
        return [vars(room) for room in self.state.rooms]

    def cancel_event(self, event_id: str) -> str:
        """Take a meeting out of the calendar."""
        event = self._event(event_id)
        self._set(events=tuple(other for other in self.state.events if other.id != event.id))
        return f"{event_id} is cancelled"

    def _mail(self, id: str) -> Mail:
        return named(self.state.inbox, id, of=lambda mail: mail.id, what="mail in the inbox")

    def _event(self, id: str) -> Event:
        return named(self.state.events, id, of=lambda event: event.id, what="meeting")

    def _send(self, to: str, subject: str, body: str) -> str:
        id = f"S{len(self.state.sent) + 1}"
        self._set(sent=(*self.state.sent, Mail(id, "me@firm.example", to, subject, body)))
        return f"Sent to {to}"

    def _replace_event(self, event: Event) -> None:
        events = (event if other.id == event.id else other for other in self.state.events)
        self._set(events=tuple(events))

    def _check_people(self, names: list[str]) -> None:
        for name in names:
            named(self.state.people, name, of=lambda person: person.name, what="colleague")

    def _check_time(self, event: Event) -> None:
        require(event.day.isoweekday() < 6, f"{event.day} is on a week-end")
        require(event.hours >= 1, "a meeting takes at least one hour")
        within = event.start >= FIRST_HOUR and event.start + event.hours <= LAST_HOUR
        require(within, f"meetings are from {FIRST_HOUR} to {LAST_HOUR} o'clock")
        free = self._free(event.attendees, event.times, but=event)
        require(free, "somebody is not free then: ask free_hours")

    def _free(
        self, names: list[str] | tuple[str, ...], times: set[tuple[date, int]], but: Any = None
    ) -> bool:
        """Return whether nobody in `names` has another meeting at these times.

        Your own are those that a colleague invited you to as "me".
        """
        busy = {"me", *names}
        return not any(
            event.times & times and busy & set(event.attendees)
            for event in self.state.events
            if but is None or event.id != but.id
        )
