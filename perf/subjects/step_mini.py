"""Seconds of each step of mini-swe-agent's DefaultAgent, from one model call to the next.

Its environment does nothing. With the argument `save` it writes its trajectory, as it does when
`output_path` is set; with `bare` the observation is not made from a template, as no model of its
own does it, so that the loop alone is left.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from time import perf_counter

from minisweagent.agents.default import DefaultAgent
from minisweagent.exceptions import Submitted
from minisweagent.models.test_models import DeterministicModel, make_output
from serve import THOUGHT, gaps, serve

SAVE, BARE = "save" in sys.argv[1:], "bare" in sys.argv[1:]


class NoEnvironment:
    config = None

    def execute(self, action: dict, cwd: str = "") -> dict:
        if action["command"] == "submit":
            extra = {"exit_status": "Submitted", "submission": "1"}
            raise Submitted({"role": "exit", "content": "1", "extra": extra})
        return {"output": "", "returncode": 0, "exception_info": ""}

    def get_template_vars(self, **more: object) -> dict:
        return {}

    def serialize(self) -> dict:
        return {}


class Timed(DeterministicModel):
    """Its replies are not in its config, which is copied for the templates at each step."""

    def __init__(self, steps: int) -> None:
        super().__init__(outputs=[])
        self.steps = steps
        self.times: list[float] = []

    def query(self, messages: list, **options: object) -> dict:
        self.times.append(perf_counter())
        command = "true" if len(self.times) <= self.steps else "submit"
        return make_output(THOUGHT, [{"command": command}], cost=0.0)

    def format_observation_messages(self, message: dict, outputs: list, *more: object) -> list:
        if BARE:
            return [{"role": "user", "content": output["output"]} for output in outputs]
        return super().format_observation_messages(message, outputs, *more)


def measure(steps: int) -> list[float]:
    model = Timed(steps)
    with tempfile.TemporaryDirectory(prefix="treeact-perf-") as folder:
        agent = DefaultAgent(
            model,
            NoEnvironment(),
            system_template="You work.",
            instance_template="{{task}}",
            cost_limit=0,
            output_path=Path(folder) / "run.json" if SAVE else None,
        )
        agent.run("Find the mean.")
    if len(model.times) != steps + 1:
        raise RuntimeError(f"{len(model.times)} calls")
    return gaps(model.times)


serve(measure)
