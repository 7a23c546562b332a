"""Signs that Word takes from fonts of symbols, as the Unicode characters that look the same.

Source: the encodings of the fonts Symbol and Wingdings (Unicode, Vendor Mappings, APPLE/SYMBOL.TXT).
"""

from __future__ import annotations

_GREEK = "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ", "αβχδεφγηιϕκλμνοπθρστυϖωξψζ"
_SYMBOL = {
    **{
        ord(start) + i: each
        for start, signs in zip("Aa", _GREEK, strict=True)
        for i, each in enumerate(signs)
    },
    **dict(zip(range(0xA3, 0xA6), "≤⁄∞", strict=True)),
    **dict(zip(range(0xAB, 0xBD), "↔←↑→↓°±″≥×∝∂•÷≠≡≈…", strict=True)),
    **dict(zip(range(0xC4, 0xE0), "⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓", strict=True)),
    0x22: "∀",
    0x24: "∃",
    0xE5: "∑",
    0xF2: "∫",
}
_WINGDINGS = {
    0x6C: "●", 0x6E: "■", 0x6F: "□", 0x71: "❑", 0xA7: "▪", 0xA8: "◻", 0xDF: "←", 0xE0: "→", 0xE1: "↑",
    0xE2: "↓", 0xE8: "➔", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑",
}  # fmt: skip


def symbol(font: str, code: str) -> str:
    """The character of a font at a hexadecimal code; empty where Unicode has none that is known."""
    try:
        number = int(code, 16)
    except ValueError:
        return ""
    if 0xF000 <= number <= 0xF0FF or number <= 0xFF:
        known = {"Symbol": _SYMBOL, "Wingdings": _WINGDINGS}.get(font, {})
        return known.get(number & 0xFF, "")
    return chr(number) if number < 0xD800 or 0xF900 <= number < 0xFFFE else ""
