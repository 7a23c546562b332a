"""What a model is shown before it names a short answer: texts, questions, the words in them that answer."""

from __future__ import annotations

EXAMPLES: tuple[tuple[str, str, str], ...] = (
    (
        "The bridge was opened in May 1932 by the mayor, Ada Lind. It is 412 metres long.",
        "Who opened the bridge?",
        "Ada Lind",
    ),
    (
        "Copper was first smelted in the valley around 4500 BC. The ore came from the eastern hills.",
        "When was copper first smelted there?",
        "around 4500 BC",
    ),
    (
        "Besides wool, the town of Harlow exported salt, which merchants carried over the Brenner Pass.",
        "What did Harlow export in addition to wool?",
        "salt",
    ),
    (
        "About 340 species of beetle live on the island, more than on the mainland.",
        "How many species of beetle are found on the island?",
        "340",
    ),
    (
        "The pump stops because the float valve closes. A red lamp shows this state.",
        "Why does the pump stop?",
        "the float valve closes",
    ),
    (
        "Lake Orn, which supplies the city with drinking water, lies north of the capital.",
        "Which body of water provides the city's drinking water?",
        "Lake Orn",
    ),
    (
        "In optics, the bending of light at a boundary is called refraction.",
        "What is the term for light bending where two media meet?",
        "refraction",
    ),
    (
        "After the war the archive moved from Turin to Milan, where it still is.",
        "Where is the archive located today?",
        "Milan",
    ),
)
