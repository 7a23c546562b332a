"""Weights as people write them."""

UNITS = {"kg": 1000, "g": 1, "lb": 454}


def grams(text: str) -> int:
    """Grams of a weight such as `1.5 kg`; raises ValueError for a unit that isn't known."""
    number, _, unit = text.partition(" ")
    if unit not in UNITS:
        raise ValueError(f"{unit!r} is no unit of weight; one of {', '.join(UNITS)} is wanted")
    return round(float(number) * UNITS[unit])
