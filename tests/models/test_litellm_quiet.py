"""LiteLLM must not call anybody but the provider, and must print nothing."""

import json
import os
import subprocess
import sys

import pytest

from tests.support.openai_server import OpenAIServer, Refuse, Say

SCRIPT = """
import asyncio, json, sys
ports = set()
names = set()

def hook(event, args):
    if event == "socket.connect":
        ports.add(str(args[1]))
    elif event == "socket.getaddrinfo":
        names.add(f"{args[0]}:{args[1]}")

sys.addaudithook(hook)
from treeact.errors import ModelError
from treeact.models import Listener, LiteLLMModel, Message, Request

async def main():
    model = LiteLLMModel("openai/gpt-5-mini", api_key="k", base_url=sys.argv[1])
    request = Request(messages=(Message("user", "hi"),), stop=("x",), temperature=1.0)
    for listener in (Listener(), Listener(on_text=lambda _: None)):
        completion = await model.complete(request, listener=listener)
        assert completion.text == "hello", completion
    try:
        await model.complete(request)
    except ModelError:
        pass
    await model.aclose()
    await asyncio.sleep(0.5)

asyncio.run(main())
import litellm
print(json.dumps({
    "ports": sorted(ports), "names": sorted(names),
    "callbacks": [str(c) for c in litellm.callbacks + litellm.success_callback],
}))
"""


@pytest.fixture
def trapped_environment(server: OpenAIServer) -> dict[str, str]:
    """An environment in which any call but to loopback goes to the server as to a proxy."""
    proxy = server.base_url.removesuffix("/v1")
    proxies = {name: proxy for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")}
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LITELLM")}
    return {**kept, **proxies, "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}


def test_only_the_provider_is_called(
    server: OpenAIServer, trapped_environment: dict[str, str]
) -> None:
    server.will(Say(), Say(usage=False), Refuse(401))
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", SCRIPT, server.base_url],
        capture_output=True,
        text=True,
        env=trapped_environment,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (line,) = done.stdout.splitlines()
    seen = json.loads(line)
    port = server.base_url.rsplit(":", 1)[1].removesuffix("/v1")
    assert seen == {
        "ports": [f"('127.0.0.1', {port})"],
        "names": [],
        "callbacks": [],
    }
    # Sockets of native code pass by the hook above, but not by the proxy.
    assert [call.path for call in server.calls] == ["/v1/chat/completions"] * 3
    assert server.strangers == []
