"""Function words by language, question words included, and the names of Snowball's stemmers."""

from __future__ import annotations

from collections.abc import Mapping

SNOWBALL: Mapping[str, str] = {
    "ar": "arabic",
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sv": "swedish",
    "tr": "turkish",
}

_ENGLISH = """
a about after again all also am an and any are aren as at be because been before being between both but by
can cannot could couldn did didn do does doesn doing don down during each few for from further had hadn has
hasn have haven having he her here hers herself him himself his how i if in into is isn it its itself just
ll many may me might more most much must my myself no nor not now of off on once only or other our ours
ourselves out over own re s same shall she should shouldn so some such t than that the their theirs them
themselves then there these they this those through to too under until up upon us ve very was wasn we were
weren what when where which while who whom whose why will with won would wouldn you your yours yourself
"""
_GERMAN = """
aber alle allem allen aller alles als also am an auch auf aus bei beim bin bis bist da dabei damit dann das
dass dein deine dem den der des dessen die dies diese diesem diesen dieser dieses doch dort du durch ein
eine einem einen einer eines er es etwas euch euer für gegen hab habe haben hat hatte hatten hier hin hinter
ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im in indem ins ist ja jede jedem jeden jeder jedes jene kann
kein keine können man mein meine mich mir mit muss nach nicht noch nun nur ob oder ohne sehr sein seine
seinem seinen seiner selbst sich sie sind so solche soll sondern sonst über um und uns unser unter viel viele
vom von vor wann war waren warum was weg weil welche welchem welchen welcher welches wem wen wenn wer werde
werden weshalb wessen wie wieder wieso wieviel will wir wird wo woher wohin wurde wurden zu zum zur zwar
zwischen
"""
_FRENCH = """
à ai alors au aucun aussi autre aux avait avec avoir ce ceci cela ces cet cette ceux chaque comme comment
combien d dans de des donc du elle elles en est et étaient était été être eu fait font il ils j je jusqu l la
le lequel les leur leurs lors lui m ma mais me même mes moi mon n ne nos notre nous on ont ou où par parce pas
pendant peu peut plus pour pourquoi qu quand que quel quelle quelles quels qui quoi s sa sans se sera ses si
son sont sous sur t ta te tes toi ton tous tout toute toutes très tu un une vers vos votre vous y
"""
_SPANISH = """
a al algo ante antes aunque cada como cómo con cual cuál cuáles cuando cuándo cuanto cuánto cuántos de del
desde donde dónde dos durante e el él ella ellas ellos en entre era eran es esa esas ese eso esos esta está
están estas este esto estos fue fueron ha había han hasta hay la las le les lo los más me mi mientras muy nada
ni no nos nosotros o os otra otro otros para pero poco por porque qué que quien quién quiénes se según ser si
sí sin sobre son su sus también tan te tiene tienen todo todos tu un una uno unos y ya yo
"""
_ITALIAN = """
a ad agli ai al alla alle allo anche che chi ci ciò come con cosa cui da dagli dai dal dalla dalle degli dei
del della delle dello di dopo dove e è ed era erano essere fa fra gli ha hanno i il in io l la le lei lo loro
lui ma mi mia mio ne nei nel nella nelle no noi non nostro o ogni per perché più poi qual quale quali quando
quanti quanto quella quelle quelli quello questa queste questi questo se sei si sia sono su sua sue sui sul
sulla suo tra tu tutti tutto un una uno voi
"""

STOP_WORDS: Mapping[str, frozenset[str]] = {
    "en": frozenset(_ENGLISH.split()),
    "de": frozenset(_GERMAN.split()),
    "fr": frozenset(_FRENCH.split()),
    "es": frozenset(_SPANISH.split()),
    "it": frozenset(_ITALIAN.split()),
}
