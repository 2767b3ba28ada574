"""Spreadsheets: open a sheet, find and change rows, and save it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from treeact.benchmarks.environments.apis.domain import Domain, named, require, world

Cell = int | float | str | None
Operation = Literal["+", "-", "*"]
Summary = Literal["sum", "mean", "minimum", "maximum", "count"]


@dataclass(frozen=True)
class Sheet:
    """A table; every row has a cell for each header."""

    name: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class SheetState:
    """The file as saved, and the sheet that is open with its changes."""

    saved: tuple[Sheet, ...]
    open: Sheet | None = None


class Sheets(Domain[SheetState]):
    """The calls of the spreadsheet."""

    @classmethod
    def _start(cls) -> SheetState:
        return SheetState(saved=world(tuple[Sheet, ...], "sheets.json"))

    def list_sheets(self) -> list[str]:
        """Return the names of the saved sheets."""
        return [sheet.name for sheet in self.state.saved]

    def open_sheet(self, name: str) -> dict[str, Any]:
        """Open a saved sheet; unsaved changes of the one that is open are lost."""
        sheet = named(self.state.saved, name, of=lambda sheet: sheet.name, what="sheet")
        self._set(open=sheet)
        return {"headers": list(sheet.headers), "rows": len(sheet.rows)}

    def create_sheet(self, name: str, headers: list[str]) -> str:
        """Open a new sheet without rows; unsaved changes of the one that is open are lost."""
        require(name not in self.list_sheets(), f"there is a sheet {name!r} already")
        require(name and headers, "give a name and at least one header")
        require(len(set(headers)) == len(headers), "two headers are the same")
        self._set(open=Sheet(name, tuple(headers), ()))
        return f"{name} is open"

    def read_rows(self, first: int = 1, last: int = 50) -> list[dict[str, Any]]:
        """Return rows of the open sheet, each with its number under "row".

        Args:
            first: number of the first row, from 1.
            last: number of the last row.
        """
        sheet = self._open()
        return [
            {"row": number, **dict(zip(sheet.headers, row, strict=True))}
            for number, row in enumerate(sheet.rows, start=1)
            if first <= number <= last
        ]

    def find_rows(self, column: str, value: int | float | str) -> list[int]:
        """Return the numbers of the rows that hold a value in a column."""
        place = self._column(column)
        return [n for n, row in enumerate(self._open().rows, start=1) if row[place] == value]

    def set_cell(self, row: int, column: str, value: int | float | str) -> str:
        """Put a value into a cell of the open sheet."""
        self._check_row(row)
        self._replace_cells({row: value}, self._column(column))
        return "Set; it is not saved yet."

    def append_row(self, values: dict[str, int | float | str]) -> str:
        """Add a row at the end; columns that are left out stay empty."""
        sheet = self._open()
        for column in values:
            self._column(column)
        row = tuple(values.get(header) for header in sheet.headers)
        self._change(rows=(*sheet.rows, row))
        return f"Added as row {len(sheet.rows) + 1}; it is not saved yet."

    def delete_row(self, row: int) -> str:
        """Delete a row; those below move up."""
        self._check_row(row)
        rows = self._open().rows
        self._change(rows=(*rows[: row - 1], *rows[row:]))
        return "Deleted; it is not saved yet."

    def keep_rows(self, column: str, at_least: float) -> str:
        """Delete the rows whose number in a column is below a bound."""
        place = self._column(column)
        self._numbers(column)
        rows = self._open().rows
        self._change(rows=tuple(row for row in rows if float(row[place] or 0) >= at_least))
        return f"{len(self._open().rows)} of {len(rows)} rows are left; it is not saved yet."

    def sort_rows(self, column: str, descending: bool = False) -> str:
        """Sort the rows by a column; equal ones stay in their order."""
        place = self._column(column)
        cells = [row[place] for row in self._open().rows]
        alike = len({isinstance(cell, str) for cell in cells}) < 2 and None not in cells
        require(alike, f"{column!r} does not hold numbers only, or texts only: it has no order")
        rows = sorted(self._open().rows, key=lambda row: row[place], reverse=descending)  # type: ignore[arg-type, return-value]
        self._change(rows=tuple(rows))
        return "Sorted; it is not saved yet."

    def add_column(self, header: str, left: str, operation: Operation, right: str) -> str:
        """Add a column that combines two columns of numbers, row by row.

        Args:
            header: the new column's header.
            left: the column on the left of the operation.
            operation: what to do with the two numbers.
            right: the column on the right of the operation.
        """
        sheet = self._open()
        require(header not in sheet.headers, f"there is a column {header!r} already")
        pairs = zip(self._numbers(left), self._numbers(right), strict=True)
        results = [_combine(operation, *pair) for pair in pairs]
        rows = tuple((*row, value) for row, value in zip(sheet.rows, results, strict=True))
        self._change(headers=(*sheet.headers, header), rows=rows)
        return "Added; it is not saved yet."

    def rename_column(self, old: str, new: str) -> str:
        """Give a column another header."""
        sheet = self._open()
        place = self._column(old)
        require(new not in sheet.headers, f"there is a column {new!r} already")
        self._change(headers=(*sheet.headers[:place], new, *sheet.headers[place + 1 :]))
        return "Renamed; it is not saved yet."

    def summarise(self, column: str, by: Summary) -> float:
        """Return one number about a column of numbers, rounded to two places."""
        numbers = self._numbers(column)
        if by == "count":
            return len(numbers)
        require(numbers, "the sheet has no rows")
        match by:
            case "sum":
                return round(sum(numbers), 2)
            case "mean":
                return round(sum(numbers) / len(numbers), 2)
            case "minimum":
                return round(min(numbers), 2)
            case "maximum":
                return round(max(numbers), 2)

    def save(self) -> str:
        """Save the open sheet into the file."""
        sheet = self._open()
        others = tuple(other for other in self.state.saved if other.name != sheet.name)
        self._set(saved=(*others, sheet))
        return f"{sheet.name} is saved"

    def _open(self) -> Sheet:
        require(self.state.open, "open or create a sheet first")
        return self.state.open  # type: ignore[return-value]

    def _change(self, **changes: Any) -> None:
        self._set(open=replace(self._open(), **changes))

    def _column(self, name: str) -> int:
        headers = self._open().headers
        return headers.index(named(headers, name, of=str, what="column"))

    def _check_row(self, row: int) -> None:
        count = len(self._open().rows)
        require(1 <= row <= count, f"there is no row {row}: the sheet has {count} rows")

    def _replace_cells(self, values: dict[int, Cell], place: int) -> None:
        rows = list(self._open().rows)
        for number, value in values.items():
            row = rows[number - 1]
            rows[number - 1] = (*row[:place], value, *row[place + 1 :])
        self._change(rows=tuple(rows))

    def _numbers(self, column: str) -> list[float]:
        place = self._column(column)
        values = [row[place] for row in self._open().rows]
        numbers = [value for value in values if isinstance(value, int | float)]
        require(len(numbers) == len(values), f"{column!r} does not hold numbers only")
        return numbers


def _combine(operation: Operation, left: float, right: float) -> float:
    result = {"+": left + right, "-": left - right, "*": left * right}[operation]
    return round(result, 2)
