"""The ledger: who used what, for what, and in which part of the prompt."""

from hypothesis import given
from hypothesis import strategies as st

from treeact.trace.usage import Ledger, Usage, share_tokens


@given(
    st.integers(0, 10**7),
    st.dictionaries(st.sampled_from("abcde"), st.integers(0, 10**6), min_size=1),
)
def test_shares_add_up_and_follow_the_sizes(tokens: int, sizes: dict[str, int]) -> None:
    shares = share_tokens(tokens, sizes)
    whole = sum(sizes.values())
    if not whole:
        assert shares == {}
        return
    assert sum(shares.values()) == tokens
    for part, size in sizes.items():
        assert abs(shares[part] - tokens * size / whole) < 1


def test_a_ledger_adds_up_by_role_phase_and_part() -> None:
    ledger = Ledger()
    ledger.add("agent", "act", Usage(input_tokens=10, output_tokens=2), 0.5, {"system": 10})
    ledger.add("agent", "act", Usage(input_tokens=30), None, {"system": 10, "history": 20})
    ledger.add("judge", "score", Usage(input_tokens=5), 0.25, {"system": 5})
    rows = {(role, phase): entry for role, phase, entry in ledger.rows()}
    assert rows["agent", "act"].parts == {"system": 20, "history": 20}
    total = ledger.total
    assert (total.calls, total.usage.input_tokens, total.cost, total.unpriced) == (3, 45, 0.75, 1)
    assert total.parts == {"system": 25, "history": 20}
