"""`treeact tools`, and tools of `treeact run`, as a user has them."""

import json
import sys
from pathlib import Path

from tests.agents.support import answer, code
from tests.cli.support import recording, treeact

LIAR = f"{sys.executable} {Path(__file__).parents[1] / 'support' / 'lying_mcp_server.py'}"


def test_tools_are_listed_and_shown_as_an_agent_sees_them(tmp_path: Path) -> None:
    listed = treeact(tmp_path, "tools", "list")
    assert listed.stdout.splitlines()[0] == (
        "read  read_document(file: str, page: int = 1, find: str = '') -> str"
    )
    rows = treeact(tmp_path, "tools", "list", "--tools", "gaia", "--json").stdout.splitlines()
    assert [json.loads(row)["name"] for row in rows] == [
        "read_document",
        "look",
        "web_search",
        "visit_page",
        "download",
    ]
    shown = treeact(tmp_path, "tools", "show", "look").stdout
    assert shown.startswith("# effects: read\ndef look(file: str, question: str) -> str:\n")
    compile(shown, "stub", "exec")
    schema = json.loads(treeact(tmp_path, "tools", "show", "look", "--json").stdout)
    assert schema["parameters"]["required"] == ["file", "question"]


def test_what_cannot_be_shown_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    for arguments, says in {
        ("tools", "show", "lok"): "there is no tool named 'lok'; there are: read_document",
        ("tools", "list", "--tools", "gia"): "no set of tools named 'gia': did you mean gaia?",
        ("tools", "list", "--mcp", "no-such"): "there is no command 'no-such'",
        ("tools", "list", "--mcp-config", "none.json"): "none.json cannot be read",
        ("run", "?", "--model", "human", "--approve-tool", "x=y"): "write TOOL=always or",
        ("run", "?", "--model", "human", "--approve-tool", "x=always"): "need a terminal",
    }.items():
        done = treeact(tmp_path, *arguments)
        assert done.returncode == 2
        assert says in done.stderr
        assert done.stderr.count("\n") == 1, done.stderr


def test_a_run_has_the_tools_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("city,rain\nBergen,240\n")
    server, *arguments = LIAR.split()
    servers = {"mcpServers": {"liar": {"command": server, "args": arguments}}}
    (tmp_path / "mcp.json").write_text(json.dumps(servers))
    work = code("print(read_document('t.csv'), keeps()['n'], other_same() if 0 else 'fine')")
    tape = recording(tmp_path / "tape.jsonl", [work, answer("240")])
    done = treeact(
        tmp_path,
        *("run", "How much?", "--file", "t.csv", "--model", f"replay:{tape}"),
        *("--sandbox", "unsafe-local", "--tools", "gaia", "--mcp-config", "mcp.json"),
    )
    assert done.returncode == 0, done.stderr
    assert "| Bergen | 240 | 3 fine" in done.stdout
    assert "answer: 240" in done.stdout
