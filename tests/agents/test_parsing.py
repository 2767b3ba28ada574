import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from treeact.agents.replies.parsing import FORM, LEADS, Reply, parse_reply

REPLIES = Path(__file__).parent.parent / "data" / "replies"
EXPECTED = json.loads((REPLIES / "expected.json").read_text())


def read(name: str) -> str:
    return (REPLIES / f"{name}.md").read_bytes().decode()


def as_expected(reply: Reply) -> dict[str, object]:
    fields = {
        "thought": reply.thought,
        "code": reply.code,
        "answer": reply.answer,
        "problem": reply.problem,
        "repairs": list(reply.repairs),
    }
    return {name: value for name, value in fields.items() if value}


def test_corpus_and_expectations_match_file_by_file():
    assert {path.stem for path in REPLIES.glob("*.md")} - {"README"} == set(EXPECTED)
    assert len(EXPECTED) >= 50


@pytest.mark.parametrize("name", EXPECTED)
def test_corpus(name):
    assert as_expected(parse_reply(read(name))) == EXPECTED[name]


def test_corpus_meets_every_problem():
    assert {case.get("problem") for case in EXPECTED.values()} - {None} == set(LEADS)


@pytest.mark.parametrize("name", [name for name, case in EXPECTED.items() if "problem" in case])
def test_feedback_names_the_fault_and_shows_the_form_once(name):
    feedback = parse_reply(read(name)).feedback
    assert feedback is not None
    assert feedback.startswith(LEADS[EXPECTED[name]["problem"]].split("{")[0])
    assert feedback.count("```python") == 1
    assert len(feedback) < 400


def test_feedback_shows_a_tool_call_as_the_code_to_write():
    feedback = parse_reply(read("tool-call-json")).feedback
    code = parse_reply(feedback).code
    assert code.splitlines()[0] == "result = web_search(query='height of Ben Nevis', limit=3)"


def test_feedback_names_the_language_that_is_not_run():
    assert "javascript" in parse_reply(read("javascript-only")).feedback


def test_the_form_that_is_taught_is_read_without_repair():
    assert parse_reply(FORM).repairs == ("ignored answer beside code",)
    assert parse_reply(FORM).code == "print(...)"


@pytest.mark.parametrize("name", ["tool call", "1+1", "class", "os.system"])
def test_a_tool_name_that_is_no_identifier_never_becomes_code(name):
    reply = parse_reply(json.dumps({"name": name, "arguments": {"a": 1}}))
    assert reply.problem == "tool call"
    assert name not in reply.feedback


def test_code_of_a_reply_in_text_is_data_to_the_feedback():
    reply = parse_reply("```{0}{x}\nabc\n```\n\n```x-{y}\nabc\n```")
    assert reply.problem == "not python"


# Invariants

PIECES = st.sampled_from(
    [
        *("```", "```python", "~~~", "````", "`", "\n", "\n\n", " ", "    ", "\t", "\r\n", "\x00"),
        *("<execute>", "</execute>", "<code>", "</code>", "<answer>", "</answer>", "<think>"),
        *("</think>", "FINAL ANSWER: ", "Observation: ", "Output:", "user:", "assistant:"),
        *('"""', "'''", '"', "'", "\\", "#", "(", ")", "[", "{", '{"code": "', "x = 1", "print(x)"),
        *(
            ">>> ",
            "1. ",
            "“",
            "&lt;",
            "\ufeff",
            "\ud800",
            "bash",
            "Action:",
            "<tool_call>",
            "-" * 60,
        ),
    ]
)


@given(st.one_of(st.text(), st.lists(st.one_of(PIECES, st.text(max_size=5))).map("".join)))
@settings(max_examples=400, deadline=None)
def test_any_text_has_exactly_one_outcome(text):
    reply = parse_reply(text)
    outcomes = [reply.code, reply.answer, reply.problem]
    assert sum(outcome is not None for outcome in outcomes) == 1
    assert (reply.feedback is None) == (reply.problem is None)
    assert all(reply.repairs)
    assert reply.code is None or reply.code.strip()


WORDS = st.text("abc xyz,.;!?'\"()éß漢`-+=0123456789", min_size=1, max_size=40)
THOUGHTS = (
    st.lists(WORDS.map(str.strip).filter(bool), max_size=4)
    .map(". ".join)
    .filter(lambda text: "```" not in text)
)
LINES = st.lists(
    st.one_of(
        st.text("abc <>/`~#'*_:{}", max_size=20),
        st.sampled_from(["```", "```bash", "```python", "~~~", "<answer>1</answer>", "Output:"]),
    ),
    max_size=8,
)
STATEMENTS = st.one_of(
    LINES.map(lambda lines: 'text = """\n' + "\n".join(lines) + '\n"""'),
    st.text(max_size=20).map(lambda text: f"value = {text!r}"),
    st.sampled_from(
        [
            "import math",
            "# it's a comment",
            "for i in range(3):\n    print(i)",
            "print('</execute>')",
        ]
    ),
)
CODES = st.lists(STATEMENTS, min_size=1, max_size=5).map(lambda s: "\n".join([*s, "print(1)"]))


@given(THOUGHTS, CODES)
@settings(max_examples=300, deadline=None)
def test_well_formed_code_round_trips(thought, code):
    reply = parse_reply(f"{thought}\n\n```python\n{code}\n```")
    assert (reply.thought, reply.code, reply.repairs) == (thought, code, ())


@given(THOUGHTS, CODES)
@settings(max_examples=200, deadline=None)
def test_code_in_tags_and_with_its_end_missing_round_trips(thought, code):
    tagged = parse_reply(f"{thought}\n<execute>\n{code}\n</execute>")
    assert (tagged.thought, tagged.code) == (thought, code)


@given(THOUGHTS, st.text("abc \n`#<>123", min_size=1).filter(lambda text: text.strip()))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_well_formed_answers_round_trip(thought, answer):
    reply = parse_reply(f"{thought}\n\n<answer>\n{answer}\n</answer>")
    assert (reply.thought, reply.answer) == (thought, answer.strip())


# Long replies take linear time

HOSTILE = {
    "backticks": lambda n: "`" * n,
    "fences": lambda n: "```\n" * (n // 4),
    "python fences": lambda n: "```python\n" * (n // 10),
    "bash fences": lambda n: "```bash\n" * (n // 8),
    "broken blocks": lambda n: "```python\nx = (\n```\n" * (n // 20),
    "blocks": lambda n: "```python\nx = 1\n```\n" * (n // 20),
    "escaped quotes": lambda n: '```python\n\\"""\n```\n' * (n // 18),
    "open strings": lambda n: "```python\n'''\n```\n\n```python\n\"\"\"\n```\n" * (n // 36),
    "execute tags": lambda n: "<execute>" * (n // 9),
    "execute tags by line": lambda n: "<execute> x\n" * (n // 12) + "```python\nx\n```",
    "mentioned answers": lambda n: "<answer> x\n" * (n // 11),
    "mentioned answers and code": lambda n: "<answer> x\n```python\nx = 1\n```\n" * (n // 32),
    "wrapped fences": lambda n: "```markdown\n```x\n" * (n // 17),
    "closed tags": lambda n: "<execute>x</code>" * (n // 17),
    "tags in one string": lambda n: "<execute>'" + "</execute>" * (n // 10),
    "answers": lambda n: "<answer></answer>" * (n // 17),
    "thinking": lambda n: "<think>\n" * (n // 8),
    "thinking ends": lambda n: "</think>\n" * (n // 9),
    "observations": lambda n: "Observation:\n" * (n // 13),
    "final answers": lambda n: "FINAL ANSWER:\n" * (n // 14),
    "labels": lambda n: "Action:\n" * (n // 8),
    "spaces": lambda n: " " * n,
    "spaced lines": lambda n: "x" + " " * (n // 2) + "\n" + " " * (n // 2) + "y",
    "stars": lambda n: "*" * n,
    "newlines": lambda n: "x" + "\n" * n + "x",
    "braces": lambda n: "{" * n,
    "brackets by line": lambda n: "[\n" * (n // 2),
    "open objects": lambda n: '{"a":\n' * (n // 6),
    "parentheses in a block": lambda n: f"```python\n{'(' * n}\n```",
    "minus signs in a block": lambda n: f"```python\n{'-' * n}1\n```",
    "attributes in a block": lambda n: f"```python\nx{'.a' * (n // 2)}\n```",
    "prompts": lambda n: "```python\n" + ">>> x\n" * (n // 6),
    "numbers": lambda n: "```python\n" + "".join(f"{i} (\n" for i in range(n // 6)) + "```",
    "escaped html": lambda n: "&lt;execute&gt;\n" * (n // 16),
    "prose": lambda n: "It is a long story, told again. " * (n // 32),
    "role prefixes": lambda n: "assistant:" * (n // 10),
    "end tokens": lambda n: "x" + "</s>" * (n // 4),
}


def seconds(text: str) -> float:
    start = time.process_time()
    parse_reply(text)
    return time.process_time() - start


@pytest.mark.parametrize("kind", HOSTILE)
def test_time_is_linear_in_the_length_of_the_reply(kind):
    """Eight times the text may take 24 times as long; quadratic work would take 64 times."""
    size = 1 << 17
    ratios = []
    for _ in range(6):
        small, large = seconds(HOSTILE[kind](size // 8)), seconds(HOSTILE[kind](size))
        ratios.append(large / max(small, 2e-3))
        if ratios[-1] < 24:
            return
    pytest.fail(f"8 times the text took {min(ratios):.0f} times as long")


def test_a_megabyte_of_code_is_taken_whole():
    code = "\n".join(f"x{i} = 'line {i}'" for i in range(60_000))
    assert len(code) > 1 << 20
    assert parse_reply(f"```python\n{code}\n```").code == code


def test_repairs_are_documented():
    readme = (REPLIES / "README.md").read_text()
    met = {
        re.sub(r"\d+", "N", repair)
        for case in EXPECTED.values()
        for repair in case.get("repairs", [])
    }
    assert all(f"`{repair}`" in readme for repair in met)
    assert all(f"`{problem}`" in readme for problem in LEADS)
