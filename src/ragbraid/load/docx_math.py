"""Equations of Office documents as LaTeX.

Source of the elements: ISO/IEC 29500-1, section 22.1.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from ragbraid.load.zipped_xml import attribute, local

_LARGE = {"∑": r"\sum", "∏": r"\prod", "∫": r"\int", "∬": r"\iint", "∮": r"\oint", "⋃": r"\bigcup"}
_ACCENTS = {"\u0302": r"\hat", "\u0303": r"\tilde", "\u0305": r"\bar", "\u20d7": r"\vec", "\u0307": r"\dot"}


def latex(element: Element) -> str:
    """An equation, or a part of one."""
    parts = {local(each): each for each in element}

    def part(name: str) -> str:
        return latex(parts[name]) if name in parts else ""

    match local(element):
        case "t":
            return element.text or ""
        case "f":
            return rf"\frac{{{part('num')}}}{{{part('den')}}}"
        case "sSup" | "sSub" | "sSubSup":
            return _scripts(part("e"), part("sub"), part("sup"))
        case "sPre":
            return _scripts("{}", part("sub"), part("sup")) + part("e")
        case "limLow":
            return _scripts(part("e"), part("lim"), "")
        case "limUpp":
            return _scripts(part("e"), "", part("lim"))
        case "rad":
            degree = part("deg")
            return rf"\sqrt{f'[{degree}]' if degree else ''}{{{part('e')}}}"
        case "nary":
            sign = _sign(element, "chr", "∫")
            return _scripts(_LARGE.get(sign, sign), part("sub"), part("sup")) + f"{{{part('e')}}}"
        case "acc":
            sign = _sign(element, "chr", "\u0302")
            return f"{_ACCENTS.get(sign, sign)}{{{part('e')}}}"
        case "d":
            inner = _sign(element, "sepChr", "|").join(_each(element, "e"))
            return f"{_sign(element, 'begChr', '(')}{inner}{_sign(element, 'endChr', ')')}"
        case "m":
            rows = (" & ".join(_each(each, "e")) for each in element if local(each) == "mr")
            inner = r" \\ ".join(rows)
            return rf"\begin{{matrix}}{inner}\end{{matrix}}"
        case "eqArr":
            return r" \\ ".join(_each(element, "e"))
        case "del" | "moveFrom":
            return ""
        case _:
            return "".join(map(latex, element))


def _each(element: Element, name: str) -> list[str]:
    return [latex(each) for each in element if local(each) == name]


def _scripts(base: str, below: str, above: str) -> str:
    return base + (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")


def _sign(element: Element, name: str, default: str) -> str:
    """A sign that the properties of an element name, which may also be none."""
    found = next((each for inner in element for each in inner if local(each) == name), None)
    return default if found is None else attribute(found, "val")
