"""Sentences as HTML."""

from html import escape


def with_code(text: str) -> str:
    """Escaped HTML of a sentence, with what stands in `backticks` set as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))
