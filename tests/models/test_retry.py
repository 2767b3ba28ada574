import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models.support import Book, BookedCharge, Sleeps, ask, quick
from treeact.errors import BudgetExceeded, ConfigError, ContextFull, ModelError
from treeact.models import Completion, Listener, Model, Prices, Request, ScriptedModel, Usage
from treeact.models.retry import Fault, RetryPolicy, parse_retry_after

LATER = Fault("busy", retryable=True, billed="no")
LOST = Fault("cut", retryable=True)


async def test_first_success_is_settled_with_its_usage(book: Book) -> None:
    model = ScriptedModel(["hello"], prices=Prices(input=1.0, output=10.0))
    completion = await model.complete(ask("12345678"), meter=book)
    assert book.outcomes == ["settled"]
    assert book.usage == completion.usage == Usage(input_tokens=2, output_tokens=2, estimated=True)
    assert book.charges[0].cost == completion.cost == 22.0


async def test_each_attempt_is_a_charge_of_its_own(book: Book) -> None:
    model = ScriptedModel([LATER, LOST, "done"], retry=quick())
    completion = await model.complete(ask(), meter=book)
    assert book.outcomes == ["released", "forfeited", "settled"]
    assert (completion.text, completion.retries) == ("done", 2)


async def test_reported_usage_of_an_unusable_reply_is_settled_and_told(book: Book) -> None:
    spoilt = Fault("no choices", retryable=True, usage=Usage(input_tokens=5, output_tokens=7))
    model = ScriptedModel([spoilt, "1234"], retry=quick(), prices=Prices(input=1.0, output=1.0))
    completion = await model.complete(ask("1234"), meter=book)
    assert book.outcomes == ["settled", "settled"]
    assert completion.usage.total_tokens == book.usage.total_tokens == 14
    assert completion.cost == 14.0


async def test_attempts_are_bounded_and_the_last_fault_is_told(book: Book) -> None:
    model = ScriptedModel([LATER] * 9, retry=quick(attempts=4))
    with pytest.raises(ModelError, match="after 4 attempts: busy"):
        await model.complete(ask(), meter=book)
    assert book.outcomes == ["released"] * 4


async def test_faults_that_cannot_pass_are_not_retried(book: Book) -> None:
    model = ScriptedModel([Fault("bad key", billed="no"), "never"], retry=quick())
    with pytest.raises(ModelError, match="scripted: bad key"):
        await model.complete(ask(), meter=book)
    assert book.outcomes == ["released"]


async def test_a_full_context_is_an_error_of_its_own(book: Book) -> None:
    model = ScriptedModel([Fault("too long", billed="no", context_full=True)], retry=quick())
    with pytest.raises(ContextFull, match="too long"):
        await model.complete(ask(), meter=book)
    assert book.outcomes == ["released"]


async def test_cancellation_forfeits_and_propagates(book: Book) -> None:
    started = asyncio.Event()

    async def hang(_: object) -> str:
        started.set()
        await asyncio.Event().wait()
        return "never"

    task = asyncio.create_task(ScriptedModel(hang).complete(ask(), meter=book))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert book.outcomes == ["forfeited"]


async def test_cancellation_between_attempts_leaves_no_open_charge(book: Book) -> None:
    policy = quick(sleep=lambda _: asyncio.Event().wait())
    task = asyncio.create_task(ScriptedModel([LATER], retry=policy).complete(ask(), meter=book))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert book.outcomes == ["released"]


async def test_unforeseen_exceptions_forfeit(book: Book) -> None:
    with pytest.raises(ZeroDivisionError):
        await ScriptedModel([ZeroDivisionError()]).complete(ask(), meter=book)
    assert book.outcomes == ["forfeited"]


async def test_a_listener_that_fails_forfeits(book: Book) -> None:
    def broken(_: str) -> None:
        raise ValueError("display")

    with pytest.raises(ValueError, match="display"):
        await ScriptedModel(["x"]).complete(ask(), meter=book, listener=Listener(on_text=broken))
    assert book.outcomes == ["forfeited"]


async def test_a_refused_reservation_ends_the_call() -> None:
    class Empty:
        async def reserve(self, request: object, *, model: object) -> None:
            raise BudgetExceeded("no dollars left", limit="usd")

    with pytest.raises(BudgetExceeded):
        await ScriptedModel(["x"]).complete(ask(), meter=Empty())  # type: ignore[arg-type]


async def test_an_attempt_that_takes_too_long_is_forfeited_and_retried(book: Book) -> None:
    calls = []

    async def slow_once(_: object) -> str:
        calls.append(1)
        if len(calls) == 1:
            await asyncio.Event().wait()
        return "done"

    model = ScriptedModel(slow_once, retry=quick(attempt_timeout=0.02))
    assert (await model.complete(ask(), meter=book)).text == "done"
    assert book.outcomes == ["forfeited", "settled"]


async def test_a_timeout_raised_inside_an_attempt_is_not_the_loops() -> None:
    model = ScriptedModel([TimeoutError("inner")], retry=quick(attempt_timeout=60))
    with pytest.raises(TimeoutError, match="inner"):
        await model.complete(ask())


async def test_a_delay_beyond_the_total_time_is_not_begun(book: Book) -> None:
    sleeps = Sleeps()
    long = Fault("busy", retryable=True, billed="no", retry_after=50)
    model = ScriptedModel([long] * 3, retry=quick(sleep=sleeps, total_timeout=40))
    with pytest.raises(ModelError, match="within 40 s"):
        await model.complete(ask(), meter=book)
    assert sleeps == []


async def test_waiting_for_budget_does_not_count_as_time_of_the_call() -> None:
    class Slow(Book):
        async def reserve(self, request: Request, *, model: Model) -> BookedCharge:
            await asyncio.sleep(0.1)
            return await super().reserve(request, model=model)

    model = ScriptedModel([LATER, "done"], retry=quick(total_timeout=0.1, first_delay=0.0))
    assert (await model.complete(ask(), meter=Slow())).text == "done"


async def test_delays_grow_with_full_jitter_and_repeat_by_seed() -> None:
    async def delays(seed: int) -> list[float]:
        sleeps = Sleeps()
        policy = RetryPolicy(attempts=8, first_delay=1, longest_delay=10, seed=seed, sleep=sleeps)
        with pytest.raises(ModelError):
            await ScriptedModel([LATER] * 8, retry=policy).complete(ask())
        return list(sleeps)

    once = await delays(1)
    assert once == await delays(1) != await delays(2)
    bounds = [1, 2, 4, 8, 10, 10, 10]
    assert all(0 <= delay <= bound for delay, bound in zip(once, bounds, strict=True))


async def test_retry_after_is_honoured_up_to_its_cap() -> None:
    sleeps = Sleeps()
    faults = [Fault("b", retryable=True, billed="no", retry_after=s) for s in (7.0, 9999.0)]
    policy = quick(sleep=sleeps, longest_retry_after=20)
    await ScriptedModel([*faults, "ok"], retry=policy).complete(ask())
    assert sleeps == [7.0, 20]


async def test_retries_are_reported_before_the_wait() -> None:
    told: list[tuple[str, float]] = []
    fault = Fault("busy", retryable=True, billed="no", retry_after=2.0)
    listener = Listener(on_retry=lambda why, wait: told.append((why, wait)))
    await ScriptedModel([fault, "ok"], retry=quick()).complete(ask(), listener=listener)
    assert told == [("busy", 2.0)]


NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        ("0.25", 0.25),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("Fri, 02 Jan 2026 03:04:15", 10.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("Fri, 99 Foo 2026 99:99:99 GMT", None),
    ],
)
def test_retry_after_header(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header, now=NOW) == seconds


@given(st.text())
def test_retry_after_never_fails(header: str) -> None:
    seconds = parse_retry_after(header, now=NOW)
    assert seconds is None or 0 <= seconds < float("inf")


async def test_missing_samples_are_asked_for_and_added_up(book: Book) -> None:
    model = ScriptedModel([["a", "b"], "c", "d"])
    completion = await model.complete(ask("1234", n=4), meter=book)
    assert completion.texts == ("a", "b", "c", "d")
    assert len(completion.finish_reasons) == 4
    assert [charge.request.n for charge in book.charges] == [4, 1, 1]
    assert completion.usage == book.usage


async def test_surplus_samples_are_dropped() -> None:
    completion = await ScriptedModel([["a", "b", "c"]]).complete(ask(n=2))
    assert (completion.texts, completion.finish_reasons) == (("a", "b"), ("stop", "stop"))


async def test_samples_already_paid_for_survive_a_failing_top_up(book: Book) -> None:
    model = ScriptedModel(["a", "b", ModelError("down"), "d"])
    completion = await model.complete(ask(n=4), meter=book)
    assert completion.texts == ("a", "b", "d")
    assert completion.notes == ("a sample of 4 is missing: down",)
    assert book.outcomes == ["settled", "settled", "released", "settled"]


async def test_an_unknown_cost_stays_unknown_when_samples_are_joined() -> None:
    def sample(cost: float | None) -> Completion:
        return Completion(
            texts=("x",), finish_reasons=("stop",), usage=Usage(), cost=cost, latency=1, model="m"
        )

    completion = await ScriptedModel([sample(1.0), sample(None)]).complete(ask(n=2))
    assert completion.cost is None


@pytest.mark.parametrize("stop", [("<end>",), ("zzz", "<end>"), ("<end>", "o")])
async def test_texts_end_where_the_first_stop_string_begins(stop: tuple[str, ...]) -> None:
    completion = await ScriptedModel(["hell<end>o"]).complete(ask(stop=stop))
    assert completion.text == "hell"


@pytest.mark.parametrize("options", [{"n": 0}, {"max_output_tokens": 0}, {"n": -1}])
def test_senseless_requests_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        ask(**options)
