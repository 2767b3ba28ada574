"""What the study of pseudo-code counts: the product's own prompts, in both forms."""

import os
import re

import pytest

from treeact.benchmarks.studies.english import in_english, language_of
from treeact.benchmarks.studies.plan_runs import (
    call_by_call,
    plan_whole,
    tokens_of_plans,
    tokens_of_steps,
    unroll,
)
from treeact.benchmarks.studies.plans import make_task
from treeact.benchmarks.studies.tokenizer import count_tokens
from treeact.planners.codified.parser import parse_plan


def test_tokens_are_those_of_cl100k_and_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "/nowhere")
    # from the documentation of tiktoken's vocabulary: `tiktoken is great!`
    assert count_tokens("tiktoken is great!") == 6
    assert count_tokens("<|endoftext|>") > 1  # text, and no special token
    assert os.environ["TIKTOKEN_CACHE_DIR"] == "/nowhere"


def test_tasks_of_100_seeds_differ_and_their_plans_are_plans() -> None:
    plans = [make_task(seed, places=3, values=5, failing=False).plan for seed in range(100)]
    assert len(set(plans)) == 100
    assert not any(parse_plan(plan)[1] for plan in plans)


async def test_both_forms_of_a_run_say_the_same_and_one_of_them_in_english() -> None:
    asked = await plan_whole(make_task(1, places=3, values=5, failing=True), kept=True)
    assert any("Feedback(step=" in call.messages[-1].content for call in asked)  # it was mended
    for call in asked:
        for text in (*(message.content for message in call.messages), call.reply):
            english = in_english(text)
            assert not language_of(english)
            left = re.search(r"^(Feedback\(.*\)$|\w+: list\[|assert )", english, re.MULTILINE)
            assert left is None
            numbers = re.findall(r"\d+\.\d\d", text.replace(language_of(text), ""))
            assert all(number in english for number in numbers)
    codified, narrated = (tokens_of_plans(asked, narrated=form) for form in (False, True))
    assert codified.language > 0 == narrated.language
    assert codified.output < narrated.output


async def test_variables_keep_values_out_of_prompts_and_replies() -> None:
    def task(failing: bool = True):
        return make_task(2, places=3, values=200, failing=failing)

    calls, answer = await unroll(task(failing=False))
    single = await call_by_call(task(), calls, answer)
    pasted, kept = (
        tokens_of_steps(single, calls, answer, narrated=True, kept=form) for form in (False, True)
    )
    assert pasted.calls == kept.calls == len(calls) + 2  # the failing call again, and the answer
    assert kept.input < pasted.input / 2
    pasted, kept = [
        tokens_of_plans(await plan_whole(task(), kept=form), narrated=False)
        for form in (False, True)
    ]
    assert kept.input <= pasted.input
    assert kept.output == pasted.output  # a plan names its variables in either
