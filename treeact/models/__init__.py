"""Language models: what they are to TreeAct, and the kinds there are. Names load on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from treeact.models.base import SILENT as SILENT
    from treeact.models.base import Charge as Charge
    from treeact.models.base import Completion as Completion
    from treeact.models.base import Image as Image
    from treeact.models.base import Listener as Listener
    from treeact.models.base import Message as Message
    from treeact.models.base import Meter as Meter
    from treeact.models.base import Model as Model
    from treeact.models.base import Prices as Prices
    from treeact.models.base import Request as Request
    from treeact.models.base import Usage as Usage
    from treeact.models.human import HumanModel as HumanModel
    from treeact.models.language_model import LanguageModel as LanguageModel
    from treeact.models.litellm_model import LiteLLMModel as LiteLLMModel
    from treeact.models.openai_compatible import OpenAICompatible as OpenAICompatible
    from treeact.models.prices import ModelFacts as ModelFacts
    from treeact.models.prices import PriceList as PriceList
    from treeact.models.prices import model_facts as model_facts
    from treeact.models.providers import LocalServer as LocalServer
    from treeact.models.providers import Probe as Probe
    from treeact.models.providers import probe_models as probe_models
    from treeact.models.recording import RecordingModel as RecordingModel
    from treeact.models.replay import ReplayModel as ReplayModel
    from treeact.models.resolve import Detected as Detected
    from treeact.models.resolve import detect_model as detect_model
    from treeact.models.resolve import resolve_model as resolve_model
    from treeact.models.retry import RetryPolicy as RetryPolicy
    from treeact.models.scripted import ScriptedModel as ScriptedModel

_HOME = {
    "SILENT": "base",
    "Charge": "base",
    "Completion": "base",
    "Image": "base",
    "Listener": "base",
    "Message": "base",
    "Meter": "base",
    "Model": "base",
    "Prices": "base",
    "Request": "base",
    "Usage": "base",
    "HumanModel": "human",
    "LiteLLMModel": "litellm_model",
    "OpenAICompatible": "openai_compatible",
    "Probe": "providers",
    "LocalServer": "providers",
    "probe_models": "providers",
    "Detected": "resolve",
    "detect_model": "resolve",
    "resolve_model": "resolve",
    "PriceList": "prices",
    "ModelFacts": "prices",
    "model_facts": "prices",
    "LanguageModel": "language_model",
    "RetryPolicy": "retry",
    "RecordingModel": "recording",
    "ReplayModel": "replay",
    "ScriptedModel": "scripted",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
