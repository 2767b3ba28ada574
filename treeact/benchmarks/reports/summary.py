"""What a report says of a benchmark, as tables and sentences, in whatever form it is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, median

from treeact.benchmarks.results import Results, Row, by_task, total_of
from treeact.benchmarks.statistics import Estimate, clustered, mean, pass_at_k, pass_hat_k
from treeact.benchmarks.tables import Table
from treeact.printable import printable
from treeact.trace.usage import Entry

CELL = 80
"""Characters of a text in a cell."""

FEW = 10
"""Tasks below which no percentage is told."""


def summary_tables(results: Results) -> list[Table]:
    """Return the tables of a report, without those that have nothing to say."""
    tables = [
        score_table(results) if results.scored else None,
        epochs_table(results),
        measures_table(results),
        ends_table(results),
        effort_table(results),
        roles_table(results),
    ]
    return [table for table in tables if table is not None and table.rows]


def title(results: Results) -> str:
    """Return what was run."""
    config = results.manifest.config
    planner = f" with {config.planner}" if config.planner else ""
    return printable(f"{config.suite}: {config.agent}{planner}, {config.model}")


def headline(results: Results) -> str:
    """Return the score in a sentence, or why there is none."""
    if not results.scored:
        return (
            f"{results.answered} of {len(results.rows)} answered. Not scored: the truths of this "
            "split are placeholders."
        )
    right = sum(row.right for row in results.rows)
    share = f", {percent(accuracy(results.rows))}" if len(results.manifest.tasks) >= FEW else ""
    return f"{right} of {len(results.rows)} right{share}. {results.answered} answered."


def notes(results: Results) -> list[str]:
    """Return what keeps the figures from being the whole truth, a sentence each."""
    rows, total = results.rows, results.total
    left = sum(not row.over for row in rows)
    faulty = sum(bool(row.scoring_error) for row in rows)
    faults = len(results.manifest.faults)
    simulated = results.manifest.config.simulated
    sentences = {
        f"From {simulated}: not a model's score.": bool(simulated),
        f"{left} of {len(rows)} jobs are not done, and count as wrong.": left,
        f"{faulty} answers could not be scored, and count as wrong.": faulty,
        f"{faults} rows of the data are damaged, and no tasks.": faults,
        f"{total.unpriced} calls have no known price: costs leave them out.": total.unpriced,
        "Tokens are estimated from texts where nobody reported them.": total.usage.estimated,
    }
    return [sentence for sentence, applies in sentences.items() if applies]


def groups(results: Results) -> dict[str, list[Row]]:
    """Return all rows, and those of each level where there are several."""
    found = {"all": list(results.rows)}
    levels = sorted({row.level for row in results.rows}, key=lambda level: (level is None, level))
    if len(levels) > 1:
        for level in levels:
            name = "no level" if level is None else f"level {level}"
            found[name] = [row for row in results.rows if row.level == level]
    return found


def accuracy(rows: Sequence[Row]) -> Estimate:
    """Return the share of right rows among all of them, with an interval over tasks."""
    return clustered([[float(row.right) for row in task] for task in by_task(rows).values()])


def percent(estimate: Estimate) -> str:
    """Write a share with its interval."""
    return f"{estimate.value:.1%} ({100 * estimate.low:.1f}–{100 * estimate.high:.1f})"


def score_table(results: Results) -> Table:
    """Return accuracy by level, and what stands beside it."""
    rows = []
    for name, group in groups(results).items():
        verdicts = [row.verdict for row in group if row.verdict is not None]
        answered = [row for row in group if row.answer is not None]
        right = sum(row.right for row in group)
        rows.append(
            (
                name,
                len(by_task(group)),
                f"{right} of {len(group)}",
                percent(accuracy(group)),
                f"{len(answered) / len(group):.0%}",
                f"{right / len(answered):.1%}" if answered else "n/a",
                sum(verdict.near_miss for verdict in verdicts),
                sum(verdict.format_failure for verdict in verdicts),
            )
        )
    return Table(
        title="Accuracy",
        columns=(
            "tasks of",
            "tasks",
            "right",
            "accuracy",
            "answered",
            "of the answered",
            "near misses",
            "failures of form",
        ),
        rows=rows,
        note=(
            f"Scorer {results.scorer}. Over all selected tasks: what is not answered is wrong. "
            "95 % intervals over tasks (Wilson)."
        ),
    )


def epochs_table(results: Results) -> Table | None:
    """Return how likely some, or all, of several epochs are right; None where there is one."""
    epochs = results.manifest.epochs
    if epochs < 2 or not results.scored:
        return None
    right = [sum(row.right for row in rows) for rows in results.by_task().values()]
    return Table(
        title="Several epochs",
        columns=("k", "pass@k", "pass^k"),
        rows=[
            (
                k,
                f"{fmean(pass_at_k(epochs, count, k) for count in right):.1%}",
                f"{fmean(pass_hat_k(epochs, count, k) for count in right):.1%}",
            )
            for k in range(1, epochs + 1)
        ],
        note="At least one of k epochs is right, and all of k; means over tasks, without bias.",
    )


def measures_table(results: Results) -> Table:
    """Return the further figures of the scorer, if it has any."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in results.rows:
        for name, value in (row.verdict.measures if row.verdict else {}).items():
            found.setdefault(name, {}).setdefault(row.task, []).append(value)
    return Table(
        title="Measures",
        columns=("measure", "rows", "mean"),
        rows=[
            (name, sum(map(len, tasks.values())), mean(list(map(fmean, tasks.values()))))
            for name, tasks in sorted(found.items())
        ],
        note="Over the rows that have them, with bootstrap intervals over tasks.",
    )


def ends_table(results: Results) -> Table:
    """Return why runs ended."""
    return Table(
        title="Ends",
        columns=("state", "reason", "rows"),
        rows=[(state, reason, count) for (state, reason), count in count_ends(results.rows)],
    )


def count_ends(rows: Sequence[Row]) -> Sequence[tuple[tuple[str, str], int]]:
    """Return states and reasons, most frequent first."""
    return Counter(
        (row.state, "" if row.reason == row.state else row.reason) for row in rows
    ).most_common()


def effort_table(results: Results) -> Table:
    """Return steps, tokens, time and dollars by level."""
    rows = []
    for name, group in groups(results).items():
        begun = [row for row in group if row.attempts]
        if not begun:
            continue
        total = total_of(begun)
        right = sum(row.right for row in group)
        rows.append(
            (
                name,
                _middle(begun, lambda row: row.steps),
                _middle(begun, lambda row: row.total.usage.total_tokens),
                _middle(begun, lambda row: round(row.duration, 1)),
                _middle(begun, lambda row: round(row.working, 1)),
                total.price,
                _each(total, right) if results.scored else "n/a",
            )
        )
    return Table(
        title="Effort",
        columns=(
            "tasks of",
            "steps",
            "tokens",
            "seconds",
            "of them working",
            "cost",
            "a right one",
        ),
        rows=rows,
        note="Medians over the rows that were begun, the largest behind them; costs are sums.",
    )


def roles_table(results: Results) -> Table:
    """Return tokens and dollars by who asked."""
    return Table(
        title="Tokens by role",
        columns=("role", "calls", "input", "cached", "output", "reasoning", "cost"),
        rows=[
            (
                role,
                entry.calls,
                entry.usage.input_tokens,
                entry.usage.cached_tokens,
                entry.usage.output_tokens,
                entry.usage.reasoning_tokens,
                entry.price,
            )
            for role, entry in by_role(results.rows).items()
        ],
    )


def rows_table(results: Results) -> Table:
    """Return a row for each task and epoch."""
    return Table(
        title="Tasks",
        columns=("task", "epoch", "level", "came to", "steps", "tokens", "cost", "s", "answer"),
        rows=[
            (
                row.task,
                row.epoch,
                row.level or "",
                mark(row, scored=results.scored)[1],
                row.steps,
                row.total.usage.total_tokens,
                row.total.price,
                f"{row.duration:.1f}",
                shorten(row.answer or row.message or row.scoring_error),
            )
            for row in results.rows
        ],
    )


def mark(row: Row, *, scored: bool) -> tuple[str, str]:
    """Return a sign and a word for what came of a row."""
    if row.scoring_error:
        return "!", "not scored"
    if row.state in ("errored", "cancelled", "unfinished", "queued"):
        return "!" if row.state == "errored" else "…", row.state
    if not scored:
        return "?", row.state
    return ("✓", "right") if row.right else ("✗", "wrong")


def shorten(text: str) -> str:
    """Return a text fit for a cell."""
    line = " ".join(text.split())
    return line if len(line) <= CELL else f"{line[: CELL - 1]}…"


def by_role(rows: Sequence[Row]) -> Mapping[str, Entry]:
    """Return the sums of rows by role."""
    found: dict[str, Entry] = {}
    for row in rows:
        for role, _, entry in row.ledger.rows():
            found.setdefault(role, Entry()).merge(entry)
    return found


def _middle(rows: Sequence[Row], figure: Callable[[Row], float]) -> str:
    values = [figure(row) for row in rows]
    return f"{_figure(median(values))} (to {_figure(max(values))})"


def _figure(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def _each(total: Entry, right: int) -> str:
    if not right or total.price == "n/a":
        return "n/a"
    return f"{'>= ' if total.unpriced else ''}${total.cost / right:.4f}"
