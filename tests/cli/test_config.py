"""Settings: which source wins, what is said of faults, and that no secret gets out."""

import inspect
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.agents.support import answer, code
from tests.cli.support import command
from tests.support.openai_server import OpenAIServer, Say
from treeact.cli.actions import actions_app
from treeact.cli.app import app
from treeact.cli.bench import bench_app
from treeact.cli.config.definition import SETTINGS, ThemeName
from treeact.cli.config.files import read_file
from treeact.cli.config.loading import load
from treeact.cli.options import UNSET, setting
from treeact.cli.traces import trace_app
from treeact.errors import ConfigError
from treeact.trace import redact
from treeact.tui.themes import THEMES

ONES = [it for it in SETTINGS if not it.in_file_only]
DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the machine's settings out, and forget the secrets that a test told."""
    for name in [name for name in os.environ if name.startswith("TREEACT_")]:
        if name != "TREEACT_HOME":
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TREEACT_RUNS", str(tmp_path / "runs"))
    (tmp_path / "project" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project" / "deep")
    monkeypatch.setattr(redact, "_told", {})
    yield


def project(text: str, tmp_path: Path) -> Path:
    file = tmp_path / "project" / "treeact.toml"
    file.write_text(text)
    return file


def user(text: str, tmp_path: Path) -> Path:
    file = tmp_path / "config" / "treeact" / "treeact.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def taken(*arguments: str) -> dict[str, Any]:
    """Return what a command with three options gets."""
    got: dict[str, Any] = {}
    own = typer.Typer()

    @own.command()
    def one(
        max_steps: Annotated[int, setting("max_steps")] = UNSET,
        tools: Annotated[list[str] | None, setting("tools")] = UNSET,
        frozen: Annotated[bool, setting("frozen")] = UNSET,
    ) -> None:
        got.update(max_steps=max_steps, tools=list(tools or ()), frozen=frozen)

    done = CliRunner().invoke(own, arguments)
    assert done.exception is None, done.output
    return got


def test_options_win_over_variables_over_the_project_over_the_user_over_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert taken()["max_steps"] == 20
    user("max_steps = 2\nfrozen = true\ntools = ['a', 'b']", tmp_path)
    assert taken() == {"max_steps": 2, "frozen": True, "tools": ["a", "b"]}
    project("max_steps = 3", tmp_path)
    assert taken() == {"max_steps": 3, "frozen": True, "tools": ["a", "b"]}
    monkeypatch.setenv("TREEACT_MAX_STEPS", "4")
    monkeypatch.setenv("TREEACT_TOOLS", "c, d")
    monkeypatch.setenv("TREEACT_FROZEN", "")
    assert taken() == {"max_steps": 4, "frozen": True, "tools": ["c", "d"]}
    options = ["--max-steps", "5", "--tools", "e", "--no-frozen"]
    assert taken(*options) == {"max_steps": 5, "frozen": False, "tools": ["e"]}


def test_every_setting_can_be_given_by_a_file_and_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = {int: 7, float: 7.5, bool: True, str: "text", Path: "/some/path"}
    given = {it: plain.get(it.kind) or list(it.kind)[-1].value for it in ONES}
    tables: dict[str, str] = {}
    for it, value in given.items():
        table = it.key.rpartition(".")[0]
        written = json.dumps([value] if it.many else value)
        tables[table] = (
            tables.get(table, f"[{table}]\n" if table else "") + f"{it.name} = {written}\n"
        )
    file = project("".join(tables.values()), tmp_path)
    monkeypatch.delenv("TREEACT_RUNS")
    from_file = load()
    file.unlink()
    for it, value in given.items():
        monkeypatch.setenv(it.variable, str(value).lower() if it.kind is bool else str(value))
    from_environment = load()
    for it, value in given.items():
        wanted = (value,) if it.many else Path(value) if it.kind is Path else value
        assert from_file.values[it.key] == from_environment.values[it.key] == wanted
        assert from_environment.origin(it.key).where == it.variable


def test_options_are_of_the_types_of_their_settings() -> None:
    """The one thing that a command repeats of a setting is the type of its parameter."""
    taken = set()
    groups = [app, bench_app, actions_app, trace_app]
    for callback in (one.callback for group in groups for one in group.registered_commands):
        for parameter in inspect.signature(callback, eval_str=True).parameters.values():
            kind, *info = get_args(parameter.annotation) or (None,)
            for it in ONES:
                if getattr(info[0] if info else None, "callback", None) is None:
                    continue
                if info[0].help.startswith(it.help) and it.option in info[0].default:
                    taken.add(it.key)
                    plain = list[it.kind] | None if it.many else it.kind
                    assert kind in (plain, it.kind | None), (callback.__name__, it.key)
    assert taken == {it.key for it in ONES if it.option}


def test_paths_of_a_file_are_relative_to_it_and_know_the_home(tmp_path: Path) -> None:
    project("library = 'lib.sqlite'\n[bench]\ncache = '~/cache'", tmp_path)
    assert load().value("library") == tmp_path / "project" / "lib.sqlite"
    assert load().value("bench.cache") == Path.home() / "cache"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "agent = 'codeact'\nmax_step = 3",
            "2: there is no setting max_step: did you mean max_ste",
        ),
        ("[bench]\n\nepoch = 3", "3: there is no setting bench.epoch: did you mean epochs"),
        ("[bensch]\n", "1: there is no setting bensch: did you mean bench"),
        ("bench = 3", "1: bench is a table: write [bench]"),
        ("max_steps = '3'", "1: max_steps: input should be a valid integer"),
        ("max_steps = true", "1: max_steps: input should be a valid integer"),
        ("max_steps = 0", "1: max_steps: input should be greater than or equal to 1"),
        ("model = 1979-05-27", "1: model: input should be a valid string"),
        ("# why\ntools = [\n 'a',\n 3]", "2: tools.1: input should be a valid string"),
        ("tools = 'gaia'", "1: tools: input should be a valid"),
        ("sandbox = 'none'", "1: sandbox: input should be 'auto', 'docker', 'jail'"),
        (
            "[models.fast]\nmodle = 'x'",
            "2: there is no setting models.fast.modle: did you mean mod",
        ),
        ("[models]\nfast = 'x'", "2: models.fast: input should be an object"),
        ("[tui.keys]\nall.quit = 3", "2: tui.keys.all.quit: input should be a valid string"),
        ("a = 1\nb = [\n1,\n", "begins at line 2"),
        ("a = 1\nb = = 2", "at line 2"),
        ("a = 1\na = 2", "Cannot overwrite a value (in what begins at line 2)"),
    ],
)
def test_a_fault_of_a_file_is_told_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    file = project(text, tmp_path)
    with pytest.raises(ConfigError) as error:
        load()
    assert said in str(error.value)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


def test_hostile_files_are_refused(tmp_path: Path) -> None:
    file = project("x", tmp_path)
    for data, said in [
        (b"model = '\xff'", ":1: this is no UTF-8"),
        (b"a = " + b"[" * 20_000, "no TOML"),
        (b"#" * 70_000, "more than 65536 bytes"),
    ]:
        file.write_bytes(data)
        with pytest.raises(ConfigError, match=said):
            load()
    file.write_text("")
    file.chmod(0o666)
    with pytest.raises(ConfigError, match="can be written by everybody"):
        load()
    file.chmod(0o644)
    if os.getuid() == 0:
        os.chown(file, 12345, 12345)
        with pytest.raises(ConfigError, match="belongs to another user"):
            load()


NAMES = st.from_regex(r"[a-z]{1,4}", fullmatch=True)
VALUES = st.sampled_from(["1", "'x'", "[\n1,\n2]", '"""\na = 1\n[b]\n"""', "{ k = 1 }"])


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(tables=st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=4), max_size=4))
def test_the_line_of_a_value_is_the_one_that_it_begins_at(
    tables: dict[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = "# settings\n\n"
    begun: dict[tuple[str, ...], int] = {}
    for table, values in tables.items():
        begun[(table,)] = text.count("\n") + 1
        text += f"[{table}]\n"
        for name, value in values.items():
            begun[table, name] = text.count("\n") + 1
            text += f"{name} = {value} # why\n\n"
    path = tmp_path_factory.getbasetemp() / "positions.toml"
    path.write_text(text)
    found = read_file(path, "project").lines
    assert {place: found[place] for place in begun} == begun


def test_faults_of_variables_name_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in [
        ("TREEACT_MAX_STEPS", "many"),
        ("TREEACT_MAX_STEPS", "0"),
        ("TREEACT_TUI_THEME", "blue"),
        ("TREEACT_TOOLS", "[1"),
        ("TREEACT_BENCH_TIMEOUT", "soon"),
    ]:
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            with pytest.raises(ConfigError, match=f"^{name}: "):
                load()


def test_show_path_and_check_say_what_holds_and_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = project("max_steps = 3\n[tui.keys]\ntrace.follow = 'ctrl+f'", tmp_path)
    monkeypatch.setenv("TREEACT_AGENT", "json")
    assert command("config", "show", "--json") == 0
    rows = {
        row.pop("setting"): row for row in map(json.loads, capsys.readouterr().out.splitlines())
    }
    assert rows["max_steps"] == {"value": 3, "source": "project", "where": f"{file}:1"}
    assert rows["agent"] == {"value": "json", "source": "environment", "where": "TREEACT_AGENT"}
    assert rows["model"] == {"value": None, "source": "default", "where": ""}
    assert rows["tui.keys.trace.follow"]["where"] == f"{file}:3"
    assert command("config", "show") == 0
    assert f"max_steps            3                            {file}:1" in capsys.readouterr().out
    assert command("config", "path", "--json") == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["source"], row["exists"]) for row in shown] == [("project", True), ("user", False)]
    assert command("config", "check") == 0
    assert capsys.readouterr().out == "nothing is wrong\n"
    monkeypatch.setenv("TREEACT_MAX_STEP", "3")
    file.write_text("max_stepz = 3\nbase_url = '${NO_SUCH_URL}'")
    user("agent = 3", tmp_path)
    assert command("config", "check") == 2
    said = capsys.readouterr().out
    assert "max_stepz: did you mean max_steps" in said
    assert "agent: input should be a valid string" in said
    file.write_text(
        "base_url = '${NO_SUCH_URL}'\n[models.m]\nmodel = 'openai/x'\nkey_env = 'NO_KEY'"
    )
    user("", tmp_path)
    assert command("config", "check") == 2
    said = capsys.readouterr().out
    assert f"error: {file}:1: the variable NO_SUCH_URL is not set: export it" in said
    assert "the variable NO_KEY is not set" in said
    assert (
        "warning: the variable TREEACT_MAX_STEP is no setting: did you mean TREEACT_MAX_STEPS"
        in said
    )


SECRETS = {
    "OPENAI_API_KEY": "sk-by-the-usual-variable",
    "GATE": "gate-by-key-env-0123456",
    "PASS_IT": "pass-by-reference-98765",
    "literal": "sk-literal-in-the-file-1",
    "command": "tok-in-a-command-445566",
    "option": "tok-on-the-command-line",
}


def test_no_secret_gets_into_traces_or_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    everything = " ".join(SECRETS.values())
    for name in ("OPENAI_API_KEY", "GATE", "PASS_IT"):
        monkeypatch.setenv(name, SECRETS[name])
    reply = Say(code(f"print('''{everything}''' * 300)\nfinal_answer('{everything}')"))
    with OpenAIServer(otherwise=reply) as server:
        url = server.base_url
        project(
            f"""
            runs = "{tmp_path / "runs"}"
            sandbox = "unsafe-local"
            mcp = ["no-such-server --api-key {SECRETS["command"]}"]
            [models.by-name]
            model = "m"
            base_url = "{url}"
            key_env = "GATE"
            [models.by-reference]
            model = "m"
            base_url = "{url}"
            api_key = "${{PASS_IT}}"
            [models.literal]
            model = "m"
            base_url = "{url}"
            api_key = "{SECRETS["literal"]}"
            """,
            tmp_path,
        )
        file = tmp_path / "project" / "treeact.toml"
        whole = file.read_text()
        ask = ["run", f"Say {everything}", "--json", "--model"]
        assert command(*ask, "literal") == 2, "there is no such MCP server"
        assert command(*ask, "literal", "--mcp", f"no-server --token={SECRETS['option']}") == 2
        file.write_text(whole.replace("mcp = [", "# mcp = ["))
        keys = {"by-name": "GATE", "by-reference": "PASS_IT", "literal": "literal"}
        for name, key in keys.items():
            assert command(*ask, name) == 0
            assert server.calls[-1].headers["authorization"] == f"Bearer {SECRETS[key]}"
        bench = ["bench", "run", "mini", "--id", "mini-1-*", "--sample", "1", "--model", "by-name"]
        assert command(*bench, "--out", str(tmp_path / "bench"), "--max-steps", "2") == 0
    file.write_text(whole)
    for arguments in (["show"], ["show", "--json"], ["check"], ["check", "--json"]):
        command("config", *arguments)
    shown = capsys.readouterr()
    files = [path for root in ("runs", "bench") for path in (tmp_path / root).rglob("*")]
    held = {path: path.read_bytes() for path in files if path.is_file()}
    assert {path.name for path in held} >= {"events.jsonl", "run.json"}
    assert any(path.parent.name == "blobs" for path in held)
    for name, secret in SECRETS.items():
        assert secret not in shown.out + shown.err, name
        assert not [path for path, data in held.items() if secret.encode() in data], name
        assert not [path for path in files if secret in str(path)], name
    assert "warning" in shown.out
    assert "models.literal.api_key holds a key" in shown.out
    assert "mcp holds a key" in shown.out


def test_a_profile_is_a_model_and_is_not_looked_for_at_the_base_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with OpenAIServer(otherwise=Say(answer("42"))) as server:
        project(
            f"""
            sandbox = "unsafe-local"
            base_url = "http://127.0.0.1:9/v1"
            model = "fast"
            [models.fast]
            model = "mini"
            base_url = "{server.base_url}"
            """,
            tmp_path,
        )
        assert command("run", "?", "--display", "quiet") == 0
        assert server.calls[-1].body["model"] == "mini"
    captured = capsys.readouterr()
    assert captured.out == "42\n"
    assert "treeact: base_url is set by" in captured.err
    assert "treeact: models.fast is set by" in captured.err, "it decides where keys are sent"
    project("[models.odd]\nmodel = 'foo/bar'\napi_key = 'some-long-key'", tmp_path)
    assert command("run", "?", "--model", "odd") == 2
    assert "models.odd has a key of its own" in capsys.readouterr().err


def test_a_variable_in_small_letters_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project("max_steps = 5", tmp_path)
    monkeypatch.setenv("treeact_max_steps", "7")
    assert taken()["max_steps"] == 5
    monkeypatch.setenv("TREEACT_MAX_STEPS", "6")
    assert taken()["max_steps"] == 6


def test_a_key_beside_a_variable_is_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLACE", "here")
    project('mcp = ["serve --token=tk-beside-variable --at ${PLACE}"]', tmp_path)
    assert command("config", "show") == 0
    assert "tk-beside-variable" not in capsys.readouterr().out
    assert command("config", "check") == 0
    assert "mcp holds a key" in capsys.readouterr().out


def test_the_table_of_the_document_is_that_of_the_settings() -> None:
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    assert rows == [document_row(it) for it in SETTINGS]


def document_row(it: Any) -> str:
    """Return a setting as `docs/configuration.md` has it."""
    option = " ".join(f"`{name}`" for name in (it.option, it.short) if name)
    words = it.help.replace("|", r"\|")
    return f"| `{it.key}` | {option} | {it.default_words} | {words} |"


def test_themes_are_those_of_the_screens() -> None:
    assert [name.value for name in ThemeName] == [theme.name for theme in THEMES]
