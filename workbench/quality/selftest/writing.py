"""Letters to a shop, put together from words at random: many and different, and about nobody.

Each has two to four sentences of different build. Words are drawn from lists so long that two letters hardly share five
words in a row, so that a family of near copies among them is a planted one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

THINGS = {
    "delivery": "parcel box crate courier van label shipment depot address doorstep pallet envelope locker driver "
    "timetable receipt signature wrapping route warehouse",
    "billing": "invoice payment refund discount voucher charge account statement bill balance tariff deposit "
    "instalment reminder currency subscription contract price transfer receipt",
    "fault": "hinge motor display battery cable lid handle switch sensor pump gasket filter blade drawer wheel "
    "button socket lens spring valve",
}
"""What letters of each topic are about."""

_WHO = (
    "my neighbour|our office|the night shift|a colleague|my aunt|the caretaker|our choir|the bakery downstairs|"
    "my landlord|a student of mine|the whole team|our cleaner|my brother|the technician|two visitors|the school|"
    "our gardener|a friend from work|the reception|my grandfather|the sailing club|our accountant|the kindergarten|"
    "my flatmate|the village hall|our apprentice|the museum|my cousin|the orchestra|a customer of ours"
)
_DID = (
    "noticed|reported|photographed|returned|opened|repaired|described|misplaced|examined|ordered|replaced|cleaned|"
    "measured|carried|unpacked|tested|compared|questioned|found|weighed|adjusted|mentioned|borrowed|counted|rejected|"
    "inspected|marked|dismantled|praised|dropped"
)
_HOW = (
    "green|heavy|second|older|missing|narrow|cracked|polished|cheap|folded|spare|wooden|noisy|sealed|rusty|brand new|"
    "faded|loose|enormous|slim|bent|plastic|striped|unmarked|wet|foreign|elegant|dusty|half empty|copper|stiff|warm|"
    "transparent|dented|quiet|short|upper|faulty|round|improved"
)
_WHERE = (
    "behind the counter|near the harbour|at the front gate|under the stairs|beside the kitchen window|in the garage|"
    "on the third floor|at the railway station|outside the library|between two shelves|next to the boiler|"
    "in the cellar|on the balcony|across the courtyard|by the lift|inside the pantry|along the corridor|at the market|"
    "in our workshop|below the roof|opposite the chapel|within the tent|at the allotment|on the ferry|"
    "in the waiting room"
)
_WHEN = (
    "on Tuesday|before lunch|last winter|during the storm|after the holidays|at dawn|two weeks ago|this morning|"
    "around midnight|in early spring|since Friday|just before closing time|over the weekend|last April|on the tenth|"
    "at half past six|during the concert|before the rehearsal|after supper|within an hour|on my birthday|in August|"
    "shortly after noon|for the third time|yesterday evening"
)
_WISH = (
    "send a replacement|call me back|explain the delay|check your records|cancel the order|confirm the date|"
    "offer something better|collect it again|tell us the reason|correct the mistake|keep it for us|forward the manual|"
    "reserve another one|apologise to them|lower the amount|extend the warranty|look into it|update the website|"
    "arrange a visit|write down the steps|swap the colour|thank the packer|name a deadline|stop the reminders"
)
_FEELING = (
    "surprising|a relief|rather odd|hardly acceptable|kind of you|a pity|good to know|annoying|understandable|"
    "most welcome|embarrassing|worth a note|unusual|better than feared|confusing|amusing|costly|reassuring|careless|"
    "a nuisance"
)
_LINK = "because|although|while|until|whereas|since|after|before|unless|when"
_NUMBERS = "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty"

Pick = Callable[[str], str]


def write_letters(topics: list[str], draw: np.random.Generator) -> list[str]:
    """A letter about each of `topics`, which are keys of THINGS."""
    return [_write_letter(topic, draw) for topic in topics]


def _write_letter(topic: str, draw: np.random.Generator) -> str:
    things = "|".join(THINGS[topic].split())

    def pick(words: str) -> str:
        choices = words.split("|")
        return choices[int(draw.integers(len(choices)))]

    builds = draw.choice(len(_BUILDS), int(draw.integers(2, 5)), replace=False)
    sentences = [_BUILDS[build](pick, things) for build in builds.tolist()]
    return " ".join(sentence[0].upper() + sentence[1:] for sentence in sentences)


_BUILDS: tuple[Callable[[Pick, str], str], ...] = (
    lambda pick, things: f"{pick(_WHO)} {pick(_DID)} the {pick(_HOW)} {pick(things)} {pick(_WHERE)} {pick(_WHEN)}.",
    lambda pick, things: (
        f"{pick(_WHEN)} {pick(_NUMBERS)} {pick(_HOW)} {pick(things)}s stood {pick(_WHERE)}, "
        f"{pick(_LINK)} {pick(_WHO)} {pick(_DID)} them."
    ),
    lambda pick, things: (
        f"could you {pick(_WISH)}, {pick(_LINK)} {pick(_WHO)} {pick(_DID)} a {pick(_HOW)} {pick(things)}?"
    ),
    lambda pick, things: (
        f"it is {pick(_FEELING)} that {pick(_WHO)} {pick(_DID)} your {pick(_HOW)} {pick(things)} {pick(_WHEN)}."
    ),
    lambda pick, things: (
        f"the {pick(things)} {pick(_WHERE)} looks {pick(_HOW)}, {pick(_LINK)} the {pick(things)} is {pick(_HOW)}."
    ),
    lambda pick, things: (
        f"{pick(_WHERE)} {pick(_WHO)} {pick(_DID)} {pick(_NUMBERS)} of them, which was {pick(_FEELING)}."
    ),
    lambda pick, things: f"please {pick(_WISH)} and {pick(_WISH)} {pick(_WHEN)}.",
    lambda pick, things: (
        f"{pick(_HOW)} or not, this {pick(things)} {pick(_WHEN)} was {pick(_FEELING)} for {pick(_WHO)}."
    ),
    lambda pick, things: f"we {pick(_DID)} every {pick(things)} with the {pick(_HOW)} {pick(things)} {pick(_WHERE)}.",
    lambda pick, things: (
        f"{pick(_NUMBERS)} days later {pick(_WHO)} {pick(_DID)} it, {pick(_LINK)} the {pick(things)} "
        f"was {pick(_FEELING)}."
    ),
    lambda pick, things: f"would the {pick(_HOW)} {pick(things)} fit {pick(_WHERE)}, or will you {pick(_WISH)}?",
    lambda pick, things: (
        f"nobody {pick(_DID)} my {pick(things)} {pick(_WHEN)}, {pick(_LINK)} {pick(_WHO)} with the "
        f"{pick(_HOW)} {pick(things)} asked you to {pick(_WISH)}."
    ),
)
"""Sentences of different build, each from (how to draw a word, what the letter is about)."""
