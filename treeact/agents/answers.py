"""Answers of a type: what is asked of the model, what it gives is checked by, and how often."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from treeact.errors import AnswerError, ConfigError
from treeact.planners.protocols import Observation
from treeact.trace.events import AnswerRejected
from treeact.trace.log import EventLog

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

REPAIRS = 1
"""Answers of a wrong form that a run may give and then give again."""
MOST_ERRORS = 12
"""Errors of one answer that are told."""
LONGEST_ERROR = 300
"""Characters of one of them: it may quote the answer."""

_FENCED = re.compile(r"```[\w-]*\n(.*?)\n?```", re.DOTALL)


class AnswerForm(Protocol):
    """What answers have to be, as JSON."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema that the model is shown."""

    def value(self, document: str) -> Any:
        """Return the value that a JSON document is.

        Raises:
            WrongForm: it is none of this form.
        """
        ...


class WrongForm(ValueError):
    """A value is not of the form that is asked for.

    Attributes:
        errors: where and why, one line each.
    """

    def __init__(self, errors: tuple[str, ...]) -> None:
        self.errors = tuple(error[:LONGEST_ERROR] for error in errors[:MOST_ERRORS])
        super().__init__("; ".join(self.errors))


def make_form(answer_type: Any) -> AnswerForm | None:
    """Return the form that a task's `answer_type` stands for; None where answers are any text.

    Raises:
        ConfigError: it is no type that pydantic can check, and no JSON Schema.
    """
    if answer_type is None:
        return None
    if isinstance(answer_type, Mapping):
        return SchemaForm(answer_type)
    from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter

    try:
        adapter = answer_type if isinstance(answer_type, TypeAdapter) else TypeAdapter(answer_type)
        return TypeForm(adapter, adapter.json_schema())
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(
            f"answer_type {answer_type!r} cannot be checked ({reason}): give a pydantic model, a "
            "dataclass, a type like list[str], or a JSON Schema as a dict"
        ) from error


@dataclass(frozen=True)
class TypeForm:
    """The form of a Python type."""

    adapter: TypeAdapter[Any]
    schema: Mapping[str, Any]

    def value(self, document: str) -> Any:
        """Return the value, made by pydantic; see `AnswerForm.value`."""
        from pydantic import ValidationError

        try:
            return self.adapter.validate_json(document)
        except ValidationError as error:
            raise WrongForm(tuple(_told(error))) from error
        except Exception as error:  # a validator of the user's that breaks rejects the answer
            raise WrongForm((f"{type(error).__name__}: {error}",)) from error


def _told(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_context=False):
        place = ".".join(map(str, fault["loc"]))
        yield f"{place}: {fault['msg']}" if place else fault["msg"]


@dataclass(frozen=True)
class SchemaForm:
    """The form that a JSON Schema describes; values are plain JSON."""

    schema: Mapping[str, Any]

    def __post_init__(self) -> None:
        self._validator  # noqa: B018  # a wrong schema is told before anything is spent

    @cached_property
    def _validator(self) -> Any:
        from jsonschema.exceptions import SchemaError
        from jsonschema.validators import validator_for
        from referencing import Registry

        kind = validator_for(self.schema)
        try:
            kind.check_schema(self.schema)
        except SchemaError as error:
            said = f"the schema of the answer is no JSON Schema: {error.message}"
            raise ConfigError(said) from error
        return kind(self.schema, registry=Registry())  # nothing is fetched from elsewhere

    def value(self, document: str) -> Any:
        """Return the value as JSON has it; see `AnswerForm.value`."""
        value = json.loads(document)
        try:
            faults = sorted(self._validator.iter_errors(value), key=lambda fault: fault.json_path)
        except Exception as error:  # such as a reference that leads nowhere
            raise WrongForm((f"{type(error).__name__}: {error}",)) from error
        if faults:
            raise WrongForm(tuple(f"{fault.json_path}: {fault.message}" for fault in faults))
        return value


def read_answer(form: AnswerForm, given: Any) -> str:
    """Return the JSON document of an answer.

    Args:
        form: what it has to be.
        given: the answer as it was given: a JSON value, or a text, which may be JSON or, where the
            form is that of a text, the value itself.

    Raises:
        WrongForm: it is not of the form.
    """
    problem: WrongForm | None = None
    for document in _documents(given):
        try:
            form.value(document)
            return document
        except WrongForm as error:
            problem = problem or error
    assert problem is not None
    if isinstance(given, str) and not _is_json(_unfenced(given)):
        raise WrongForm(("the answer is no JSON", *problem.errors))
    raise problem


def _documents(given: Any) -> Iterator[str]:
    """Yield the JSON documents that an answer may stand for, the likeliest first."""
    if not isinstance(given, str):
        yield json.dumps(given, ensure_ascii=False)
        return
    if _is_json(text := _unfenced(given)):
        yield text
    yield json.dumps(given.strip(), ensure_ascii=False)


def _unfenced(text: str) -> str:
    fenced = _FENCED.fullmatch(text.strip())
    return (fenced[1] if fenced else text).strip()


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


class AnswerCheck:
    """Looks at each answer of a run before it counts.

    An answer that is not of the form becomes the observation of what is wrong with it, so that it
    can be given again, once. In a fork it is a failed action and no more: the search goes on
    elsewhere, and tells others why.

    Args:
        form: what answers have to be; None takes any text.
        log: where rejections are written.
        tentative: whether this is for a fork.
    """

    def __init__(self, form: AnswerForm | None, log: EventLog, *, tentative: bool = False) -> None:
        self._form = form
        self._log = log
        self._tentative = tentative
        self._rejected = 0

    def in_fork(self) -> AnswerCheck:
        """Return the check for the answers of a fork."""
        return AnswerCheck(self._form, self._log, tentative=True)

    def look(self, observation: Observation, id: str) -> Observation:
        """Return an observation with its answer as a JSON document of the form, or rejected.

        Raises:
            AnswerError: it is not of the form, and was not before.
        """
        if self._form is None or observation.answer is None:
            return observation
        given = observation.answer if observation.given is None else observation.given
        try:
            answer = self.accept(given, observation.answer, id)
        except AnswerError as error:
            self._rejected += 1
            if self._rejected > REPAIRS and not self._tentative:
                self._rejected = 0
                raise
            return _rejected(observation, error)
        self._rejected = 0
        return replace(observation, answer=answer, given=None)

    def accept(self, given: Any, text: str, id: str) -> str:
        """Return the JSON document of an answer, or write down why it is rejected.

        Args:
            given: the answer as it was given.
            text: the same as text.
            id: logical id of what gave it.

        Raises:
            AnswerError: it is not of the form.
        """
        if self._form is None:
            return text
        try:
            return read_answer(self._form, given)
        except WrongForm as error:
            self._log.emit(AnswerRejected(id=id, answer=self._log.text(text), errors=error.errors))
            raise AnswerError(
                f"the answer is not of the type that is asked for: {error}",
                answer=text,
                errors=error.errors,
            ) from error


def _rejected(observation: Observation, error: AnswerError) -> Observation:
    faults = "\n".join(f"- {fault}" for fault in error.errors)
    text = f"Your answer is not of the form that is asked for:\n{faults}\nGive it again, corrected."
    return replace(
        observation,
        text=f"{observation.text}\n\n{text}".strip(),
        ok=False,
        empty=False,
        answer=None,
        given=None,
    )
