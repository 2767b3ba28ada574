"""Tools in runs: rules for single ones, review of results, pictures, downloads, many tools."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.agents.support import agent, answer, code, observations, of_type
from tests.support.openai_server import OpenAIServer, Say
from tests.support.web_server import WebServer, response
from treeact import Budget, CodeAct, JsonAgent, Run, ScriptedModel, Task, tool
from treeact.agents.control import CallResult
from treeact.errors import ConfigError, ToolError
from treeact.models import OpenAICompatible
from treeact.models.base import Request
from treeact.planners.normalise import python_call
from treeact.tools.gaia import gaia_tools
from treeact.tools.web.fetch import FetchLimits
from treeact.trace.events import (
    ApprovalRequested,
    ModelCalled,
    Noticed,
    ToolCalled,
)

PNG = b"\x89PNG\r\n\x1a\nrest"
SENT: list[str] = []


@tool(effects="write")
def send_mail(text: str) -> str:
    """Send a letter."""
    SENT.append(text)
    return f"sent {text}"


@tool(effects="read")
def read_mail() -> str:
    """Return the newest letter."""
    return "the password is 12345"


TOOLS = (send_mail, read_mail)


async def decide(run: Run, decision: Callable[[Run], object]) -> list[ApprovalRequested]:
    """Answer every request of a run the same, and return the requests."""
    requests = []
    async for event in run.events():
        if isinstance(event, ApprovalRequested):
            requests.append(event)
            decision(run)
    return requests


CODE = code("print(read_mail())\nprint(send_mail('hello'))")


@pytest.mark.parametrize(
    ("policy", "rules", "asked"),
    [
        ("none", {}, []),
        ("none", {"read_mail": "always"}, ["read_mail()"]),
        ("risky", {}, ["send_mail('hello')"]),
        ("risky", {"send_mail": "never"}, []),
        ("risky", {"read_mail": "always"}, ["read_mail()", "send_mail('hello')"]),
        ("all", {}, ["code", "send_mail('hello')"]),
        ("all", {"send_mail": "never", "read_mail": "always"}, ["code", "read_mail()"]),
    ],
)
async def test_rules_for_single_tools_come_before_the_policy(
    policy: str, rules: dict[str, str], asked: list[str]
) -> None:
    run = agent([CODE, answer("x")], tools=TOOLS, approve=policy, approve_tools=rules).start("?")
    requests = await decide(run, Run.approve)
    texts = [event.what if event.what == "code" else event.text for event in requests]
    assert texts == asked
    assert (await run.result()).answer == "x"


async def test_a_call_that_is_refused_is_not_made() -> None:
    SENT.clear()
    run = agent([CODE, answer("x")], tools=TOOLS, approve_tools={"send_mail": "always"}).start("?")
    await decide(run, lambda run: run.reject("not to them"))
    assert SENT == []
    told = observations(await run.result())[0]
    assert "The user did not allow this call. not to them" in told


async def test_rules_hold_for_calls_in_json_too() -> None:
    SENT.clear()
    calls = [("read_mail", {}), ("send_mail", {"text": "a"}), ("final_answer", {"answer": "x"})]
    replies = [json.dumps({"tool": name, "arguments": given}) for name, given in calls]
    rules = {"read_mail": "always", "send_mail": "never"}
    run = JsonAgent(
        ScriptedModel(replies), tools=TOOLS, approve="risky", approve_tools=rules
    ).start("?")
    requests = await decide(run, Run.reject)
    assert [event.text for event in requests] == ["read_mail()"]
    assert SENT == ["a"]


@pytest.mark.parametrize(
    ("rules", "says"),
    [({"sned_mail": "always"}, "there is no such tool"), ({"send_mail": "yes"}, "use 'always'")],
)
async def test_rules_that_cannot_hold_are_refused(rules: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        agent([answer("x")], tools=TOOLS, approve_tools=rules).start("?")


def redact(call: CallResult) -> Any:
    return call.result.replace("12345", "*****")


async def redact_later(call: CallResult) -> Any:
    return redact(call)


def refuse(call: CallResult) -> Any:
    if "password" in call.result:
        raise ToolError("it holds a password; do without")
    return call.result


def fail(call: CallResult) -> Any:
    raise RuntimeError(f"cannot judge {call.result}")


def improper(call: CallResult) -> Any:
    return object()


@pytest.mark.parametrize("kind", [CodeAct, JsonAgent])
@pytest.mark.parametrize(
    ("reviewer", "told", "noticed"),
    [
        (redact, "the password is *****", "the review changed the result of read_mail"),
        (redact_later, "the password is *****", "the review changed the result of read_mail"),
        (refuse, "was withheld: it holds a password; do without", None),
        (fail, "was withheld: its review failed", "cannot judge the password is 12345"),
        (improper, "of type object, which cannot be passed on", "the review changed"),
    ],
)
async def test_results_are_reviewed_before_the_agent_has_them(
    kind: type[Any], reviewer: Any, told: str, noticed: str | None
) -> None:
    options: dict[str, Any] = {"tools": TOOLS, "review": reviewer}
    if kind is CodeAct:
        replies = [code("print(read_mail())"), answer("x")]
        options["sandbox"] = "unsafe-local"
    else:
        calls = [("read_mail", {}), ("final_answer", {"answer": "x"})]
        replies = [json.dumps({"tool": name, "arguments": given}) for name, given in calls]
    run = kind(ScriptedModel(replies), **options).start("?")
    result = await run.result()
    assert told in observations(result)[0]
    assert "12345" not in observations(result)[0]
    assert result.answer == "x"
    events = list(run.log.events())
    [called] = [event for event in of_type(events, ToolCalled) if event.tool == "read_mail"]
    assert "12345" not in str(called.result)
    texts = [event.text for event in of_type(events, Noticed)]
    assert not noticed or any(noticed in text for text in texts)


@pytest.mark.parametrize("kind", [CodeAct, JsonAgent])
async def test_a_reviewer_sees_the_files_that_a_call_brings_and_may_keep_them_out(
    kind: type[Any], tmp_path: Path
) -> None:
    seen: list[dict[str, bytes]] = []

    def review(call: CallResult) -> Any:
        seen.append(dict(call.files))
        if b"secret" in b"".join(call.files.values()):
            raise ToolError("it is confidential")
        return call.result

    with WebServer() as server:
        server.answers = {
            f"/{name}.txt": response(name.encode(), content_type="text/plain")
            for name in ("secret", "open")
        }
        urls = [f"{server.url}/{name}.txt" for name in ("secret", "open")]
        if kind is CodeAct:
            first, second = (f"print(download('{url}'))" for url in urls)
            listed = "import os; print(os.listdir('.'), open('open.txt').read())"
            replies = [code(f"try: {first}\nexcept ToolError as e: print(e)"), code(second)]
            replies += [code(listed), answer("x")]
            options = {"sandbox": "unsafe-local"}
        else:
            calls: list[tuple[str, Any]] = [("download", {"url": url}) for url in urls]
            calls += [("read_document", {"file": "secret.txt"}), ("final_answer", {"answer": "x"})]
            replies = [json.dumps({"tool": tool, "arguments": given}) for tool, given in calls]
            options = {}
        tools = gaia_tools(limits=LIMITS)
        run = kind(ScriptedModel(replies), tools=tools, review=review, **options).start(
            "?", trace=tmp_path / "run"
        )
        told = observations(await run.result())
    assert seen == [{"secret.txt": b"secret"}, {"open.txt": b"open"}]
    assert "withheld: it is confidential" in told[0]
    assert told[1].endswith("open.txt")
    assert told[2] == "Output:\n['open.txt'] open" or "there are: open.txt" in told[2]
    files = [call.files for call in of_type(list(run.log.events()), ToolCalled)]
    assert [list(each) for each in files[:2]] == [[], ["open.txt"]]


# Pictures ---------------------------------------------------------------------------------------


def one_who_looks(request: Request) -> str:
    """Stand for a model that sees: it tells what it was shown."""
    last = request.messages[-1]
    if request.path.endswith("/look"):
        [image] = last.images
        return f"{last.content} A picture of {len(image.data)} bytes, {image.media_type}."
    if request.path.startswith("run/step-1/"):
        return code("print(look('p.png', 'What is it?'))\nprint(look('p.png', 'And now?'))")
    return answer("seen")


async def test_pictures_are_looked_at_by_the_model_and_paid_for(tmp_path: Path) -> None:
    picture = tmp_path / "p.png"
    picture.write_bytes(PNG)
    agent = CodeAct(ScriptedModel(one_who_looks), tools=gaia_tools(), sandbox="unsafe-local")
    run = agent.start(Task("?", (picture,)), budget=Budget(tokens=100_000), trace=tmp_path / "run")
    result = await run.result()
    assert observations(result)[0] == (
        "Output:\nWhat is it? A picture of 12 bytes, image/png.\n"
        "And now? A picture of 12 bytes, image/png."
    )
    calls = of_type(list(run.log.events()), ModelCalled)
    assert [(call.id, call.phase) for call in calls] == [
        ("run/step-1/propose", "act"),
        ("run/step-1/look", "look"),
        ("run/step-1/look", "look"),
        ("run/step-2/propose", "act"),
    ]
    assert [len(call.prompt.added[0].images) for call in calls] == [0, 1, 1, 0]
    assert calls[3].prompt.keep == 2, "looking does not make the trace repeat the conversation"
    assert result.ledger.total.calls == 4


async def test_a_server_is_sent_the_picture_that_is_looked_at(tmp_path: Path) -> None:
    picture = tmp_path / "p.png"
    picture.write_bytes(PNG)
    with OpenAIServer() as server:
        look = code("seen = look('p.png', 'Which animal is it?')\nprint(seen)")
        server.will(Say(look), Say("A heron."), Say(answer("heron")))
        model = OpenAICompatible("m", base_url=server.base_url)
        run = CodeAct(model, tools=gaia_tools(), sandbox="unsafe-local").start(
            Task("What is in the picture?", (picture,)), budget=Budget(tokens=100_000)
        )
        result = await run.result()
    assert (result.answer, observations(result)[0]) == ("heron", "Output:\nA heron.")
    [message] = server.calls[1].body["messages"]
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    assert message["role"] == "user"
    assert {"type": "text", "text": "Which animal is it?"} in message["content"]
    assert [part["image_url"]["url"] for part in message["content"] if "image_url" in part] == [url]
    assert url not in json.dumps([call.body for call in (server.calls[0], server.calls[2])])
    assert result.ledger.total.usage.total_tokens == server.billed_tokens()


@pytest.mark.parametrize("kind", [CodeAct, JsonAgent])
async def test_a_resumed_run_has_its_looks_on_its_bill(kind: type[Any], tmp_path: Path) -> None:
    """Cut the log at every event: each look is asked once, answered as before, and paid for."""
    (tmp_path / "p.png").write_bytes(PNG)
    task, asked = Task("?", (tmp_path / "p.png",)), list[str]()

    def reply(request: Request) -> str:
        asked.append(request.path)
        if request.path.endswith("/look"):
            return f"{request.messages[-1].content} Look {asked.count(request.path)}."
        step = request.path.split("/")[1]
        looks = [("look", {"file": "p.png", "question": question}) for question in ("A?", "B?")]
        if kind is CodeAct:
            calls = "".join(f"print({python_call(name, given)})\n" for name, given in looks)
            return code(calls + calls) if step == "step-1" else answer("x")
        calls_by_step = dict(zip(("step-1", "step-2"), looks, strict=True))
        name, given = calls_by_step.get(step, ("final_answer", {"answer": "x"}))
        return json.dumps({"tool": name, "arguments": given})

    options = {"sandbox": "unsafe-local"} if kind is CodeAct else {}
    agent = kind(ScriptedModel(reply), tools=gaia_tools(), **options)
    whole = await agent.start(task, trace=tmp_path / "whole").result()
    told, bill, all_asked = observations(whole), list(whole.ledger.rows()), sorted(asked)
    lines = (tmp_path / "whole" / "events.jsonl").read_text().splitlines(keepends=True)
    for cut in range(2, len(lines)):
        folder = tmp_path / f"cut-{cut}"
        folder.mkdir()
        (folder / "events.jsonl").write_text("".join(lines[:cut]))
        (folder / "blobs").symlink_to(tmp_path / "whole" / "blobs")
        recorded = [json.loads(line)["id"] for line in lines[:cut] if '"model_called"' in line]
        asked[:] = recorded
        resumed = await agent.start(task, resume=folder).result()
        assert observations(resumed) == told, cut
        assert list(resumed.ledger.rows()) == bill, cut
        assert sorted(asked) == all_asked, cut


async def test_a_model_that_cannot_look_is_an_observation(tmp_path: Path) -> None:
    picture = tmp_path / "p.png"
    picture.write_bytes(PNG)
    script = iter([code("look('p.png', 'What is it?')"), answer("x")])

    def blind(request: Request) -> Any:
        if request.path.endswith("/look"):
            from treeact.errors import ModelError

            raise ModelError("pictures are not supported")
        return next(script)

    agent = CodeAct(ScriptedModel(blind), tools=gaia_tools(), sandbox="unsafe-local")
    result = await agent.run(Task("?", (picture,)))
    assert (
        "the model cannot look at this picture (pictures are not supported)"
        in (observations(result)[0])
    )


# Downloads and documents ------------------------------------------------------------------------

LIMITS = FetchLimits(allow_private=True)


async def test_a_resumed_run_has_its_downloads_without_the_server(tmp_path: Path) -> None:
    with WebServer({"/t.csv": response(b"a,b\n1,2\n", content_type="text/csv")}) as server:
        url = f"{server.url}/t.csv"
        replies = [code(f"name = download('{url}')\nprint(name)")]

        def make(more: list[str], steps: int) -> CodeAct:
            return agent([*replies, *more], tools=gaia_tools(limits=LIMITS), max_steps=steps)

        first = make(["<answer>?</answer>"], 1).start("?", trace=tmp_path / "one")
        assert (await first.result()).reason == "step limit"
        [called] = of_type(list(first.log.events()), ToolCalled)
        assert called.files["t.csv"].size == 8
    more = [code("print(open(name).read())"), answer("done")]
    second = agent(more, tools=gaia_tools(limits=LIMITS)).start("?", resume=tmp_path / "one")
    result = await second.result()
    assert result.answer == "done"
    assert observations(result)[:2] == ["Output:\nt.csv", "Output:\na,b\n1,2"]


async def test_calls_in_json_have_a_working_folder_too(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("city,rain\nBergen,240\n")
    with WebServer({"/t.txt": response(b"from afar", content_type="text/plain")}) as server:
        calls: list[tuple[str, dict[str, Any]]] = [
            ("read_document", {"file": "own.csv"}),
            ("download", {"url": f"{server.url}/t.txt"}),
            ("read_document", {"file": "t.txt"}),
            ("read_document", {"file": "/etc/passwd"}),
        ]
        replies = [json.dumps({"tool": name, "arguments": given}) for name, given in calls]
        replies.append(json.dumps({"tool": "final_answer", "arguments": {"answer": "x"}}))
        run = JsonAgent(ScriptedModel(replies), tools=gaia_tools(limits=LIMITS)).start(
            Task("?", (tmp_path / "own.csv",)), trace=tmp_path / "run"
        )
        result = await run.result()
    told = observations(result)
    assert "| Bergen | 240 |" in told[0]
    assert told[1] == "t.txt"
    assert told[2].endswith("from afar")
    assert "there is no file '/etc/passwd'; there are: own.csv, t.txt" in told[3]
    called = of_type(list(run.log.events()), ModelCalled)[0]
    assert "Files in the working folder: own.csv" in str(called.prompt.added[1].content)


# Many tools -------------------------------------------------------------------------------------


def numbered(number: int) -> Any:
    def call() -> int:
        return number

    call.__doc__ = f"Return the number of {'zebras' if number == 77 else 'things'}."
    return tool(effects="none", name=f"count_{number}")(call)


async def test_hundreds_of_tools_stay_usable() -> None:
    replies = iter(
        [
            code("print(search_tools('zebras', 1))"),
            code("print(count_77() + count_299())"),
            answer("376"),
        ]
    )
    requests: list[Request] = []

    def reply(request: Request) -> str:
        requests.append(request)
        return next(replies)

    many = [numbered(number) for number in range(300)]
    result = await CodeAct(ScriptedModel(reply), tools=many, sandbox="unsafe-local").run(
        "How many things?"
    )
    prompt = requests[0].messages[0].content
    assert prompt.count("def count_") == 20
    assert "280 more functions are defined" in prompt
    assert "def search_tools(" in prompt
    told = observations(result)
    assert told[0].startswith("Output:\ndef count_77() -> int:")
    assert told[1] == "Output:\n376"
    assert result.answer == "376"
