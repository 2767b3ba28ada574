"""What models cost and how much they read: LiteLLM's packaged list, and the user's own figures.

The list is read from the installed package's file; LiteLLM itself is not imported for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from treeact.errors import ConfigError
from treeact.models.base import Prices

PRICES_VARIABLE = "TREEACT_PRICES"
"""Names a JSON file of the user's own figures, in the format of LiteLLM's list."""
_LIST_FILE = "model_prices_and_context_window_backup.json"
_LOCAL_PROVIDERS = frozenset({"ollama", "ollama_chat", "lm_studio", "hosted_vllm", "lemonade"})
"""Providers whose zero price is a price; elsewhere a zero means that nobody filled it in."""
_LONG_PROMPT = "input_cost_per_token_above_"


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What is known of a model beforehand."""

    provider: str
    prices: Prices | None
    context_window: int | None


class PriceList:
    """Figures of many models by name."""

    def __init__(self, models: Mapping[str, Any], *, source: str) -> None:
        self.source = source
        self._models = models

    @classmethod
    def packaged(cls) -> PriceList:
        """Return the list in the installed LiteLLM."""
        return _packaged()

    @classmethod
    def load(cls, path: Path) -> PriceList:
        """Read the user's own list.

        Raises:
            ConfigError: the file cannot be read, or is no such list.
        """
        try:
            models = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"cannot read the price file {path}: {error.strerror}") from None
        except ValueError as error:
            raise ConfigError(f"the price file {path} is not JSON: {error}") from None
        if not isinstance(models, dict) or not all(isinstance(m, dict) for m in models.values()):
            raise ConfigError(f"the price file {path} must map names of models to their figures")
        return cls(models, source=str(path))

    def find(self, name: str) -> ModelFacts | None:
        """Return what is known of the model `name`, such as `openai/gpt-5-mini`, if anything."""
        figures = self._models.get(name)
        if figures is None:
            provider, _, bare = name.partition("/")
            figures = self._models.get(bare)
            if figures is None or figures.get("litellm_provider", provider) != provider:
                return None
        return ModelFacts(
            provider=str(figures.get("litellm_provider", "")),
            prices=self._prices(figures),
            context_window=_positive_int(figures.get("max_input_tokens")),
        )

    def chat_models(self) -> Iterator[str]:
        """Return the names of all models that chat, with their provider where it is not in them."""
        for name, figures in self._models.items():
            provider = figures.get("litellm_provider")
            if figures.get("mode") in ("chat", "responses") and provider:
                yield name if name.startswith(f"{provider}/") else f"{provider}/{name}"

    def providers(self) -> set[str]:
        """Return the names of all providers in the list."""
        named = {str(figures.get("litellm_provider", "")) for figures in self._models.values()}
        return {name for name in named if name and " " not in name}

    def _prices(self, figures: Mapping[str, Any]) -> Prices | None:
        prices = _prices(figures, "", self.source)
        if prices is None:
            return None
        if prices.input == prices.output == 0:
            known_free = figures.get("litellm_provider") in _LOCAL_PROVIDERS
            return prices if known_free else None
        for key in figures:
            tokens = key.removeprefix(_LONG_PROMPT).removesuffix("k_tokens")
            if key.startswith(_LONG_PROMPT) and tokens.isdigit():
                return _prices(
                    figures,
                    "",
                    self.source,
                    long=_prices(figures, _suffix(tokens), self.source),
                    threshold=int(tokens) * 1000,
                )
        return prices


def _suffix(thousands: str) -> str:
    return f"_above_{thousands}k_tokens"


def _prices(
    figures: Mapping[str, Any],
    suffix: str,
    source: str,
    *,
    long: Prices | None = None,
    threshold: int = 0,
) -> Prices | None:
    read = _figure(figures, "input_cost_per_token" + suffix)
    written = _figure(figures, "output_cost_per_token" + suffix)
    if read is None or written is None:
        return None
    return Prices(
        input=read,
        output=written,
        cached_input=_figure(figures, "cache_read_input_token_cost" + suffix),
        cache_write=_figure(figures, "cache_creation_input_token_cost" + suffix),
        source=source,
        long_prompt=(threshold, long) if long is not None else None,
    )


def _figure(figures: Mapping[str, Any], key: str) -> float | None:
    value = figures.get(key)
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1
    return float(value) if usable and value is not None else None


def _positive_int(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


@cache
def _packaged() -> PriceList:
    from datetime import UTC, datetime
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        package = distribution("litellm")
    except PackageNotFoundError:
        return PriceList({}, source="no price list: litellm is not installed")
    path = Path(str(package.locate_file(f"litellm/{_LIST_FILE}")))
    if not path.is_file():
        return PriceList({}, source=f"litellm {package.version} has no price list")
    models = json.loads(path.read_text(encoding="utf-8"))
    models.pop("sample_spec", None)
    installed = datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()
    source = f"litellm {package.version}'s packaged list, installed {installed}"
    return PriceList(models, source=source)


def own_facts(name: str, env: Mapping[str, str]) -> ModelFacts | None:
    """Look `name` up in the user's own figures.

    Raises:
        ConfigError: the user's price file cannot be used.
    """
    own = env.get(PRICES_VARIABLE)
    return PriceList.load(Path(own)).find(name) if own else None


def model_facts(name: str, env: Mapping[str, str]) -> ModelFacts | None:
    """Look `name` up in the user's own figures, then in the packaged list.

    Raises:
        ConfigError: the user's price file cannot be used.
    """
    return own_facts(name, env) or PriceList.packaged().find(name)
