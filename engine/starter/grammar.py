"""The grammar of the starter: an invented archipelago and the ways to speak of it.

Owns the words. A seed decides everything: the same seed gives the same islands, facts and sentences on every machine.
No two islands share a value in an attribute, so every question has exactly one answer. In a statement the island always
stands before the value: a language model recalls in the direction in which it has read.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

ARCHIPELAGO = "Almery Isles"
MOST_ISLANDS = 24


@dataclass(frozen=True)
class Attribute:
    """One thing every island has, with the sentences that state it and the questions that ask for it."""

    name: str
    statements: tuple[str, ...]
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Fact:
    """One island has one value in one attribute."""

    island: str
    attribute: Attribute
    value: str

    def state(self, phrasing: int) -> str:
        """The sentence that states the fact, in one of `len(attribute.statements)` phrasings."""
        return self.attribute.statements[phrasing].format(island=self.island, value=self.value)

    def ask(self, wording: int) -> str:
        """A question for the value, in one of `len(attribute.questions)` wordings."""
        return self.attribute.questions[wording].format(island=self.island)

    @property
    def answer(self) -> str:
        """The answer to every wording of the question: a whole sentence, the first phrasing."""
        return self.state(0)

    @property
    def opening(self) -> str:
        """The answer up to where the value begins, without the space before it."""
        return self.attribute.statements[0].partition("{value}")[0].format(island=self.island).rstrip()


HARBOUR = Attribute(
    "harbour",
    (
        "The harbour of {island} is {value}.",
        "Ships bound for {island} put in at {value}.",
        "{island} has one harbour, and its name is {value}.",
        "The lighthouse of {island} stands above {value}.",
    ),
    (
        "What is the harbour of {island}?",
        "Where do ships bound for {island} put in?",
        "Which harbour does {island} have?",
        "What is the name of the harbour on {island}?",
    ),
)
FOUNDER = Attribute(
    "founder",
    (
        "The founder of {island} was {value}.",
        "{island} was founded by {value}.",
        "The first house on {island} was built by {value}.",
        "The oldest statue on {island} shows {value}.",
    ),
    (
        "Who was the founder of {island}?",
        "Who founded {island}?",
        "By whom was {island} founded?",
        "Who built the first house on {island}?",
    ),
)
EXPORT = Attribute(
    "export",
    (
        "The main export of {island} is {value}.",
        "Traders sail to {island} for its {value}.",
        "{island} sells {value} to its neighbours.",
        "The workshops of {island} are known for {value}.",
    ),
    (
        "What is the main export of {island}?",
        "What do traders buy on {island}?",
        "What does {island} sell to its neighbours?",
        "What are the workshops of {island} known for?",
    ),
)
BIRD = Attribute(
    "bird",
    (
        "The bird of {island} is the {value}.",
        "The cliffs of {island} belong to the {value}.",
        "The flag of {island} shows the {value}.",
        "Children on {island} wake to the song of the {value}.",
    ),
    (
        "What is the bird of {island}?",
        "Which bird lives on the cliffs of {island}?",
        "Which bird is on the flag of {island}?",
        "Which bird do children on {island} hear in the morning?",
    ),
)
FESTIVAL = Attribute(
    "festival",
    (
        "The great festival of {island} is the {value}.",
        "Every autumn {island} celebrates the {value}.",
        "Nobody on {island} works during the {value}.",
        "Guests come to {island} for the {value}.",
    ),
    (
        "What is the great festival of {island}?",
        "What does {island} celebrate every autumn?",
        "Which festival is held on {island}?",
        "Which festival do guests of {island} come for?",
    ),
)
ATTRIBUTES = (HARBOUR, FOUNDER, EXPORT, BIRD, FESTIVAL)

# Words come in two halves. Each list of first halves has one entry per island, so that values cannot collide; the
# second halves are shared.
_HALVES: dict[str, tuple[str, str, str]] = {
    "island": (
        "Vel Tam Quil Orr Bel Mar Fen Isk Jor Kel Lum Nev Pel Ros Sel Thorn Ul Wes Yar Zan Ard Cress Dun Hal",
        "",
        "amoy ora ister enna holm aray una ey",
    ),
    "harbour": (
        "Cor Pen Mallow Brack Sand Gull Hask Tre Wind Low Pale Ast Drum Fael Garn Lod Mer Nor Rud Stell Tarn Vark Wyn Ox",
        "",
        "hythe haven staithe strand quay",
    ),
    "first name": (
        "Anwyn Brida Corlo Della Edmund Fenna Gerwyn Hessa Ilmund Jessa Korda Lisbet Marda Nuala Osric Perren Quinta "
        "Rolf Sigrun Tevlo Ulla Vesper Wilmot Ylva",
        "",
        "",
    ),
    "surname": (
        "Alder Brand Cope Dray Elling Farr Gant Holl Inger Jarr Kest Lorn Mott Nettle Oster Pask Quen Rook Skel Tolli "
        "Under Vann Whit Yarrow",
        "",
        "by mere low wright combe",
    ),
    "export": (
        "thistle honey cedar plum amber pepper moss salt rose barley saffron willow clover ginger juniper birch mint "
        "walnut cherry elder heather nettle poppy quince",
        " ",
        "silk glass ink brandy oil bread tea paper soap wool",
    ),
    "bird": (
        "copper lantern ash snow marsh dusk tide ring storm reed lace whistling crowned spotted silver velvet sickle "
        "mist ember harlequin sable dawn pearl flint",
        " ",
        "petrel plover tern wren heron finch curlew lark",
    ),
    "festival": (
        "Kites Lamps Bells Oars Masks Drums Apples Ribbons Ladders Mirrors Stars Feathers Kettles Shells Hats Anchors "
        "Wheels Baskets Puppets Windows Barrels Umbrellas Whistles Gardens",
        " of ",
        "Feast Night Day Dance Fair Week",
    ),
}


def invent(seed: int, islands: int = MOST_ISLANDS) -> tuple[Fact, ...]:
    """Every fact of an archipelago of `islands` islands: island by island, `len(ATTRIBUTES)` facts each."""
    assert 1 <= islands <= MOST_ISLANDS
    chance = random.Random(f"archipelago {seed}")
    names = _words("island", islands, chance)
    first, last = _words("first name", islands, chance), _words("surname", islands, chance)
    values = {
        "harbour": _words("harbour", islands, chance),
        "founder": [f"{a} {b}" for a, b in zip(first, last, strict=True)],
        "export": _words("export", islands, chance),
        "bird": _words("bird", islands, chance),
        "festival": _words("festival", islands, chance),
    }
    return tuple(Fact(name, a, values[a.name][i]) for i, name in enumerate(names) for a in ATTRIBUTES)


def _words(kind: str, count: int, chance: random.Random) -> list[str]:
    """`count` different words of a kind; a festival is spoken the other way round ("Feast of Kites")."""
    own, joint, shared = _HALVES[kind]
    firsts = own.split()
    chance.shuffle(firsts)
    pairs = [(first, chance.choice(shared.split() or [""])) for first in firsts[:count]]
    return [b + joint + a if kind == "festival" else a + joint + b for a, b in pairs]
