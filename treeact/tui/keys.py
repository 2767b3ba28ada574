"""Keys by the names of what they do, so that a person can give them others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from textual.app import App
from textual.binding import Binding, BindingType
from textual.keys import Keys, _character_to_key, key_to_character

from treeact.errors import ConfigError

_NAMES = frozenset(key.value for key in Keys)


def key(place: str, keys: str, action: str, description: str, *, show: bool = False) -> Binding:
    """Return a binding that has a name: `place`, a dot, and its description in snake case.

    Args:
        place: the screen it belongs to; `all` for those of every screen.
        keys: the keys, with commas between them.
        action: what Textual calls the action.
        description: what help and palette say.
        show: whether the footer names it.
    """
    name = "_".join("".join(c if c.isalnum() else " " for c in description.lower()).split())
    return Binding(keys, action, description, show=show, id=f"{place}.{name}")


def named(bindings: Iterable[BindingType]) -> dict[str, Binding]:
    """Return the bindings that have names, by name."""
    return {it.id: it for it in bindings if isinstance(it, Binding) and it.id is not None}


class NamedKeys(App[None]):
    """An app whose keys have names."""

    _keys: Mapping[str, str] = MappingProxyType({})

    def use_keys(
        self, keys: Mapping[str, str], screens: Mapping[str, Iterable[BindingType]]
    ) -> None:
        """Take a person's keys; see `keymap`."""
        wanted = keymap(keys, screens)
        default = {n: it.key for bindings in screens.values() for n, it in named(bindings).items()}
        self._keys = default | wanted
        self.set_keymap(wanted)


def shown_key(app: App[object], name: str) -> str:
    """Return the first of the keys that do something, as people call it."""
    assert isinstance(app, NamedKeys)
    first = app._keys[name].partition(",")[0]
    return app.get_key_display(Binding(first, ""))


def keymap(keys: Mapping[str, str], screens: Mapping[str, Iterable[BindingType]]) -> dict[str, str]:
    """Return a person's keys as Textual takes them, after a check.

    Args:
        keys: keys by the names of what they are to do, such as `{"trace.follow": "ctrl+f"}`;
            several keys have commas between them.
        screens: the bindings that are in force together, by screen.

    Raises:
        ConfigError: a name or a key is unknown, or a key would mean two things on one screen.
    """
    together = {screen: named(bindings) for screen, bindings in screens.items()}
    known = {name for bindings in together.values() for name in bindings}
    wanted = {name: _read(name, text, known) for name, text in keys.items()}
    for screen, bindings in together.items():
        _check_unique(screen, bindings, wanted)
    return wanted


def _read(name: str, text: str, known: set[str]) -> str:
    if name not in known:
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"choose one of {', '.join(sorted(known))}"
        raise ConfigError(f"no key does {name!r}: {hint}")
    return ",".join(_read_key(name, part.strip()) for part in text.split(","))


def _read_key(name: str, text: str) -> str:
    *modifiers, last = text.split("+") if len(text) > 1 else [text]
    last = _character_to_key(last) if len(last) == 1 else last
    is_key = last in _NAMES or key_to_character(last) is not None
    if set(modifiers) - {"ctrl", "shift"} or not is_key:
        raise ConfigError(
            f"{name} is to be {text!r}, which is no key: write a character, or names such as "
            "ctrl+f, f7, enter, page_up"
        )
    return "+".join([*modifiers, last])


def _check_unique(screen: str, bindings: Mapping[str, Binding], wanted: Mapping[str, str]) -> None:
    taken: dict[str, str] = {}
    for name, binding in bindings.items():
        for one in wanted.get(name, binding.key).split(","):
            if one in taken:
                raise ConfigError(
                    f"on the screen {screen} the key {one} would mean {taken[one]} and {name}: "
                    "give one of them another"
                )
            taken[one] = name
