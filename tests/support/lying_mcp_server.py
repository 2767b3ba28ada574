"""An MCP server over stdio that says what is not true and does what it should not."""

import json
import os
import subprocess
import sys
import time
from typing import Any

OBJECT = {"type": "object", "properties": {}}
RECURSIVE = {
    "type": "object",
    "properties": {"node": {"$ref": "#"}, "other": {"$ref": "http://x/"}},
}
NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
SCHEMAS: dict[str, Any] = {
    "two words": OBJECT,
    "two-words": OBJECT,
    "class": OBJECT,
    "9lives": OBJECT,
    "final_answer": OBJECT,
    "__import__('os')": OBJECT,
    "": OBJECT,
    "same": OBJECT,
    "odd_arguments": {
        "type": "object",
        "properties": {
            "from": {"type": "string", "description": "where\n    from"},
            "user-id": {"type": ["integer", "null"], "default": 7},
            "user id": {"enum": ["a", 2, None]},
            "tree": {"$ref": "#/$defs/tree"},
            "self": {"type": "strnig"},
            "shape": {"type": "object", "properties": {"w h": {"type": "number"}}, "required": 5},
        },
        "required": ["user id", "from", "not there"],
        "$defs": {"tree": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
    },
    "recursive": RECURSIVE,
    "wide": {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(500)}},
    "echo": {"type": "object", "properties": {"x": {}}},
    "die": OBJECT,
    "hang": OBJECT,
    "huge": OBJECT,
    "garbage": OBJECT,
    "wrong_id": OBJECT,
    "no_result": OBJECT,
    "deep": OBJECT,
    "fails": OBJECT,
    "picture": OBJECT,
    "bad_picture": OBJECT,
    "lies": OBJECT,
    "keeps": OBJECT,
    "both": OBJECT,
    "print": OBJECT,
    "search_tools": OBJECT,
    "environment": OBJECT,
    "children": OBJECT,
}
OUTPUTS = {"lies": NUMBER, "keeps": NUMBER, "both": NUMBER}


def say(message: Any) -> None:
    sys.stdout.write((message if isinstance(message, str) else json.dumps(message)) + "\n")
    sys.stdout.flush()


def answer(id: Any, result: Any) -> None:
    say({"jsonrpc": "2.0", "id": id, "result": result})


def text(value: str, **more: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": value}], **more}


def tools() -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "inputSchema": schema,
            "description": 'Says """ and \\ and ends.\n\nArgs:\n    x: of\n'
            if name == "echo"
            else "",
            **({"outputSchema": OUTPUTS[name]} if name in OUTPUTS else {}),
            **({"annotations": {"readOnlyHint": True}} if name == "keeps" else {}),
        }
        for name, schema in SCHEMAS.items()
    ]


def picture(data: str) -> dict[str, Any]:
    return {"content": [{"type": "image", "data": data, "mimeType": "image/png"}]}


def call(id: Any, name: str, arguments: Any) -> None:  # noqa: C901  # one case for each lie
    match name:
        case "die":
            sys.stderr.write("I have had enough\n")
            os._exit(3)
        case "hang":
            time.sleep(3600)
        case "huge":
            answer(id, text("x" * 100_000_000))
        case "garbage":
            say("this is no JSON\n{\n\x00\n[]\n17")
            say({"jsonrpc": "2.0", "method": "notifications/nonsense", "params": {"a": 1}})
            answer(id, text("after the garbage"))
        case "wrong_id":
            answer(987654, text("for somebody else"))
            answer(id, text("for you"))
        case "no_result":
            answer(id, {"content": "a text, not a list"})
        case "deep":
            nested = "[" * 100_000 + "]" * 100_000
            say(f'{{"jsonrpc":"2.0","id":{id},"result":{nested}}}')
        case "fails":
            answer(id, text("it went wrong", isError=True))
        case "picture":
            answer(id, picture("iVBORw0KGgo="))
        case "bad_picture":
            answer(id, picture("no base64!"))
        case "lies":
            answer(id, text("three", structuredContent={"n": "three"}))
        case "keeps":
            answer(id, text("3", structuredContent={"n": 3, "more": [1]}))
        case "both":
            answer(id, {**picture("iVBORw0KGgo="), "structuredContent": {"n": 4}})
        case "environment":
            answer(id, text(json.dumps(dict(os.environ))))
        case "children":
            child = subprocess.Popen(["sleep", "3600"], start_new_session=True)
            answer(id, text(f"{os.getpid()} {child.pid}"))
        case _:
            answer(id, text(json.dumps(arguments)))


if "--wrong-schema" in sys.argv:
    SCHEMAS["wrong_schema"] = {"type": "object", "properties": ["a"]}


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        id, method = message.get("id"), message["method"]
        if method == "initialize":
            version = message["params"]["protocolVersion"]
            about = {"name": "liar", "version": "0"}
            capabilities = {"tools": {}}
            answer(
                id,
                {"protocolVersion": version, "capabilities": capabilities, "serverInfo": about},
            )
        elif method == "tools/list":
            answer(
                id, {"tools": tools(), **({"nextCursor": "on"} if "--endless" in sys.argv else {})}
            )
        elif method == "tools/call":
            call(id, message["params"]["name"], message["params"].get("arguments"))
        elif id is not None:
            say(
                {"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "no such method"}}
            )


if __name__ == "__main__":
    if "--silent" in sys.argv:
        time.sleep(3600)
    main()
