"""The errors TreeAct raises on purpose. Each message names the fault and its remedy."""


class TreeActError(Exception):
    """Base of every error that TreeAct raises on purpose; its text is fit to show to a user."""


class ConfigError(TreeActError):
    """A setting, argument, file or key is missing or wrong."""


class ModelError(TreeActError):
    """A language model gave no usable reply, after the retries that were allowed."""


class ContextFull(ModelError):
    """The prompt no longer fits the model's context window."""


class ReplayError(ModelError):
    """A recording is damaged, or holds no reply for the call that was made."""


class SandboxError(TreeActError):
    """A sandbox could not be started, or died."""


class SandboxUnavailable(SandboxError):
    """This kind of sandbox cannot run on this machine; the message names the remedy."""


class BranchLost(SandboxError):
    """A branch's live state is gone and could not be rebuilt."""


class ToolError(TreeActError):
    """A tool call failed; the text is shown to the agent as its observation."""


class BudgetExceeded(TreeActError):
    """A budget has no room for what was asked; nothing was spent.

    Attributes:
        limit: the name of the limit that was reached: usd, tokens, steps, expansions or seconds.
    """

    def __init__(self, message: str, *, limit: str) -> None:
        super().__init__(message)
        self.limit = limit


class SearchExhausted(TreeActError):
    """A search has nothing left to try, or may try no more, and found no answer."""


class PlanRejected(SearchExhausted):
    """A planner wrote nothing but plans that do not check, as often as it may."""


class PlanMemoryError(TreeActError):
    """A memory of plans cannot be used; the message names the remedy."""


class WorkerLost(TreeActError):
    """A machine or process that worked on a task of a benchmark is gone."""


class AnswerError(TreeActError):
    """A run gave no answer, or none of the type that its task asks for.

    Attributes:
        answer: the answer as it was given, as text; empty where there was none.
        errors: where and why it is not of the type, one line each.
    """

    def __init__(self, message: str, *, answer: str = "", errors: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.answer = answer
        self.errors = errors


class TraceError(TreeActError):
    """A run directory cannot be written, or what was read from it is damaged."""


class LibraryError(TreeActError):
    """An action library cannot be read or written, or holds no such action."""


class ActionCycle(LibraryError):
    """Actions use each other in a circle, so that none can be loaded first.

    Attributes:
        cycle: their labels, such as `area v2`, each using the next and the last the first.
    """

    def __init__(self, cycle: tuple[str, ...]) -> None:
        around = " -> ".join([*cycle, *cycle[:1]])
        super().__init__(
            f"these actions use each other in a circle: {around}; disable one of them, or remove "
            "one from the file"
        )
        self.cycle = cycle


class StopExecution(Exception):
    """Raised by a host tool to end the execution it was called from, successfully.

    Control flow, not an error: what runs the tool catches it.
    """
