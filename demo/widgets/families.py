"""The table of families as the page's scripts and styles read it."""

import json

from inpainters.families import FAMILIES


def families_script() -> str:
    """`families.js`: the table, without colours, as the constant FAMILIES."""
    rows = {
        name: {"title": family.title, "sign": family.sign, "mark": family.mark}
        for name, family in FAMILIES.items()
    }
    return f"export const FAMILIES = {json.dumps(rows, ensure_ascii=False)};\n"


def families_style() -> str:
    """`families.css`: the colour of a family as the token `--family-<id>`, on the light and the dark page."""
    light = "".join(f"  --family-{name}: {family.colour};\n" for name, family in FAMILIES.items())
    dark = "".join(f"  --family-{name}: {family.dark};\n" for name, family in FAMILIES.items())
    return f":root {{\n{light}}}\n.dark {{\n{dark}}}\n"
