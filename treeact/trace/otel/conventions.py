"""What spans say: the names of OpenTelemetry's GenAI conventions, and where they come from.

The conventions are those of github.com/open-telemetry/semantic-conventions-genai, release 0.1.0
(status: development). What they have no name for is under `treeact.`, but for `gen_ai.usage.cost`,
the name under which Langfuse and others look for dollars. Phoenix goes by OpenInference's names
(`openinference.span.kind`, `llm.*`), so spans have those, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from treeact.trace import events as ev
from treeact.trace.otel.spans import Attributes, Value

PROVIDERS = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""The conventions' names of providers that LiteLLM calls otherwise."""

FACTS: dict[type[ev.Event], tuple[str, ...]] = {
    ev.Proposed: ("action", "problem", "repairs"),
    ev.Observed: ("ok",),
    ev.BranchForked: ("branch", "of", "duration"),
    ev.NodeAdded: ("action", "votes", "carried_out", "ok", "g", "h"),
    ev.NodeObserved: ("ok",),
    ev.NodeExpanded: ("order", "samples"),
    ev.NodePruned: ("reason",),
    ev.NodeScored: ("score",),
    ev.ValueBackedUp: ("value",),
    ev.SteppedBack: ("undone",),
    ev.PlanChecked: ("steps",),
    ev.PlanStepFinished: ("ok",),
    ev.Replanned: ("executed", "dropped", "added"),
    ev.PolicySwitched: ("left", "policy", "outcome"),
    ev.StepDropped: ("reason", "rolled_back"),
    ev.ContextCompacted: ("steps", "before", "after"),
    ev.ApprovalRequested: ("what",),
    ev.CommandReceived: ("command",),
    ev.ActionSaved: ("name", "version", "status"),
    ev.ActionVerified: ("name", "version", "ok"),
    ev.ActionsRetrieved: ("how", "actions"),
    ev.ModelRetried: ("problem", "wait"),
    ev.Answered: ("best_effort",),
}
"""What is told of events that are moments of a span. None of it is what anybody said or computed;
of other events only the name is told."""


def facts_of(event: ev.Event) -> Attributes:
    """Return what is told of an event that is a moment of a span."""
    values = {name: getattr(event, name) for name in FACTS.get(type(event), ())}
    return {f"treeact.{name}": _plain(value) for name, value in values.items() if _tells(value)}


def _tells(value: Any) -> bool:
    return value is not None and value != "" and value != ()


def _plain(value: Any) -> Value:
    return [str(item) for item in value] if isinstance(value, tuple) else value


def agent_attributes(name: str) -> Attributes:
    """Return what an agent at work is: the run's own, or a role that it calls."""
    return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": name,
        "openinference.span.kind": "AGENT",
    }


def run_attributes(started: ev.RunStarted) -> Attributes:
    """Return what is known of a run at its beginning."""
    return {
        **agent_attributes(started.agent),
        "treeact.model": started.model,
        "treeact.planner": started.planner,
        "treeact.sandbox": started.sandbox,
        "treeact.files": [*started.files],
    }


def end_attributes(ended: ev.RunEnded) -> Attributes:
    """Return the sums of a run. They are not named as usage, which viewers add up themselves."""
    known = {} if ended.unpriced else {"treeact.cost": ended.cost}
    return {
        "treeact.stop_reason": ended.reason,
        "treeact.steps": ended.steps,
        "treeact.calls": ended.calls,
        "treeact.input_tokens": ended.input_tokens,
        "treeact.output_tokens": ended.output_tokens,
        **known,
    }


def chain_attributes(id: str) -> Attributes:
    """Return what a step, a node or another part of a run is."""
    return {"openinference.span.kind": "CHAIN", "treeact.id": id}


def requested_model(call: ev.ModelCalled) -> str:
    """Return the name of the model that was asked for, without that of its provider."""
    provider, _, name = call.requested.partition("/")
    return name if name and provider.isidentifier() else call.model


def provider_of(call: ev.ModelCalled) -> str:
    """Return the provider of a model as the conventions name it, as far as its name tells."""
    if call.author != "model":
        return f"treeact.{call.author}"
    provider, slash, _ = (call.requested or call.model).partition("/")
    if not slash or not provider.isidentifier():
        return "treeact.unknown"
    return PROVIDERS.get(provider, provider)


def call_attributes(call: ev.ModelCalled) -> Attributes:
    """Return what a call of a model is."""
    attributes: Attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider_of(call),
        "gen_ai.request.model": requested_model(call),
        "gen_ai.response.model": call.model,
        "gen_ai.response.finish_reasons": [*call.finish_reasons],
        "gen_ai.usage.input_tokens": call.input_tokens,
        "gen_ai.usage.output_tokens": call.output_tokens,
        "treeact.role": call.role,
        "treeact.phase": call.phase,
        "treeact.author": call.author,
        "treeact.estimated": call.estimated,
        "treeact.retries": call.retries,
        "openinference.span.kind": "LLM",
        "llm.model_name": call.model,
        "llm.token_count.prompt": call.input_tokens,
        "llm.token_count.completion": call.output_tokens,
        "llm.token_count.total": call.input_tokens + call.output_tokens,
    }
    if len(call.replies) != 1:
        attributes["gen_ai.request.choice.count"] = len(call.replies)
    if call.cost is not None:
        attributes |= {"gen_ai.usage.cost": call.cost, "llm.cost.total": call.cost}
    parts = {
        "gen_ai.usage.cache_read.input_tokens": call.cached_tokens,
        "gen_ai.usage.cache_write.input_tokens": call.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": call.reasoning_tokens,
    }
    return attributes | {name: tokens for name, tokens in parts.items() if tokens}


def tool_attributes(name: str, id: str) -> Attributes:
    """Return what a call of a tool is.

    Args:
        name: the tool's.
        id: logical id of the call.
    """
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": id,
        "gen_ai.tool.type": "function",
        "openinference.span.kind": "TOOL",
    }


def code_attributes(run: ev.CodeRun) -> Attributes:
    """Return what a piece of code that ran is: a call of the tool `python`."""
    return {
        **tool_attributes("python", run.id),
        "treeact.outcome": run.outcome,
        "treeact.cpu_seconds": run.cpu_seconds,
        "treeact.memory": run.memory,
        "treeact.rolled_back": run.rolled_back,
    }


def as_message(role: str, content: str, images: Iterable[ev.Blob] = ()) -> dict[str, Any]:
    """Return a message in the form that the conventions give it; pictures by their hashes."""
    parts: list[dict[str, Any]] = [{"type": "text", "content": content}] if content else []
    parts += [
        {
            "type": "file",
            "modality": "image",
            "mime_type": image.media_type,
            "file_id": image.blob,
        }
        for image in images
    ]
    return {"role": role, "parts": parts}


def content_attributes(input: Any, output: Any, *, names: tuple[str, str] = ("", "")) -> Attributes:
    """Return what went into a piece of work and what came out, as JSON or as the text it is.

    Args:
        input: the first, None where it is not known.
        output: the second.
        names: the conventions' names for both; where they have none, only OpenInference's are set.
    """
    attributes: Attributes = {}
    for value, name, other in ((input, names[0], "input"), (output, names[1], "output")):
        if value is None:
            continue
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        kind = "text/plain" if isinstance(value, str) else "application/json"
        attributes |= {f"{other}.value": text, f"{other}.mime_type": kind}
        if name:
            attributes[name] = text
    return attributes


CALL_CONTENT = ("gen_ai.input.messages", "gen_ai.output.messages")
TOOL_CONTENT = ("gen_ai.tool.call.arguments", "gen_ai.tool.call.result")


def node_attributes(event: ev.Event) -> Attributes:
    """Return what an event tells of the node of a search that it is about, for the node's span."""
    match event:
        case ev.NodeAdded():
            parent = {"treeact.node.parent": event.parent} if event.parent else {}
            costs = {"g": event.g, "h": event.h, "f": event.g + event.h}
            return {**parent, **{f"treeact.node.{name}": cost for name, cost in costs.items()}}
        case ev.NodeExpanded():
            return {"treeact.node.order": event.order}
        case ev.NodeScored():
            return {"treeact.node.score": event.score}
        case ev.NodePruned():
            return {"treeact.node.pruned": event.reason}
        case ev.NodeChosen():
            return {"treeact.node.chosen": True}
        case _:
            return {}


def as_attributes(values: Mapping[str, Value]) -> Mapping[str, Value]:
    """Return attributes that can be sent: half of a surrogate pair has no place in UTF-8."""
    return {name: _encodable(value) for name, value in values.items()}


def _encodable(value: Value) -> Value:
    if isinstance(value, str):
        return as_text(value)
    return value if isinstance(value, bool | int | float) else [*map(as_text, value)]


def as_text(text: str) -> str:
    """Return a text as UTF-8 can hold it."""
    return text.encode("utf-8", "replace").decode()
