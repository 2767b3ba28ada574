"""Themes: in colours that all eyes tell apart (the set of Okabe and Ito), and without colour."""

from __future__ import annotations

from textual.theme import Theme

BLUE, ORANGE, VERMILION, SKY = "#0072B2", "#E69F00", "#D55E00", "#56B4E9"

THEMES = (
    Theme(
        name="safe-dark",
        primary=SKY,
        secondary=SKY,
        accent=ORANGE,
        success=SKY,
        warning=ORANGE,
        error="#FF7F2A",
        foreground="#E8E8E8",
        background="#101418",
        surface="#161B21",
        panel="#1E252D",
        dark=True,
    ),
    Theme(
        name="safe-light",
        primary=BLUE,
        secondary=BLUE,
        accent="#8A5A00",
        success=BLUE,
        warning="#8A5A00",
        error="#A84300",
        foreground="#101418",
        background="#FFFFFF",
        surface="#F6F7F8",
        panel="#E9ECEF",
        dark=False,
    ),
    Theme(
        name="mono",
        primary="#E0E0E0",
        secondary="#E0E0E0",
        accent="#FFFFFF",
        success="#E0E0E0",
        warning="#FFFFFF",
        error="#FFFFFF",
        foreground="#E0E0E0",
        background="#000000",
        surface="#000000",
        panel="#202020",
        dark=True,
    ),
)
"""Good is blue and bad is orange; and every state has a sign or a word besides."""
