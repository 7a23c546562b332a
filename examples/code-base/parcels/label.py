"""Labels for parcels."""

from parcels.weigh import grams

WIDTH = 40


def check_digit(code: str) -> int:
    """The last digit of a label: its digits weighted 3 and 1 in turn, up to the next ten."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(code))
    return -total % 10


class Label:
    """What is glued onto a parcel."""

    def __init__(self, code: str, weight: str) -> None:
        self.code = f"{code}{check_digit(code)}"
        self.grams = grams(weight)

    def lines(self) -> list[str]:
        """The label as text, one string for each printed line."""
        return [self.code.center(WIDTH), f"{self.grams} g".center(WIDTH)]
