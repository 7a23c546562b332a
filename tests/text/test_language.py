from __future__ import annotations

import pytest

from ragbraid.text.language import code, guess

GERMAN = """Alle Beschäftigten haben im Jahr 27 Tage bezahlten Urlaub. Was bis zum Ende des März im
folgenden Jahr nicht genommen wird, verfällt."""
ENGLISH = """Every employee has 27 days of paid holiday a year. Holiday that is not taken by the end of
March of the following year expires."""
FRENCH = """Chaque salarié a droit à 27 jours de congés payés par an. Les congés qui ne sont pas pris
avant la fin du mois de mars de l'année suivante sont perdus."""


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (GERMAN, "de"),
        (ENGLISH, "en"),
        (FRENCH, "fr"),
        ("Каждый работник имеет право на 27 дней отпуска.", "ru"),
        ("每位员工每年有27天带薪假期。", "zh"),
        ("すべての従業員は年に27日の有給休暇がある。", "ja"),
        ("모든 직원은 연간 27일의 유급 휴가를 받습니다.", "ko"),
        (f"{ENGLISH} Это всё.", "en"),
        ("", None),
        ("4711 0815", None),
        ("la de a", None),  # too little to tell
        (" ".join(f"item{n},{n * 7},{n * 3}" for n in range(50)), None),
    ],
)
def test_guess(text: str, language: str | None) -> None:
    assert guess(text) == language


@pytest.mark.parametrize(
    ("named", "language"),
    [
        ("de", "de"), ("de-AT", "de"), ("en_US", "en"), (" German ", "de"), ("nb", "no"), ("yue", "yue"),
        ("", None), (None, None), (7, None), ("Klingonisch", None), ("x-unknown", None),
    ],
)  # fmt: skip
def test_code(named: object, language: str | None) -> None:
    assert code(named) == language
