"""What the offline writer can say: kinds of text, each known by words of the prompt, with sentences to build it from.

In a sentence `{a}` and `{b}` are phrases of the prompt, `{v}` a value of it, and `[one|other]` a choice. A sentence
with a place that the prompt cannot fill is passed over; each kind has some without any.
"""

# ruff: noqa: E501 - a sentence stands on one line

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grammar:
    """A kind of text. A text is an opening, some middles, and an ending."""

    words: frozenset[str]
    openings: tuple[str, ...]
    middles: tuple[str, ...]
    endings: tuple[str, ...]


SUPPORT = Grammar(
    frozenset(
        [
            "support",
            "customer",
            "ticket",
            "complaint",
            "helpdesk",
            "refund",
            "delivery",
            "order",
            "account",
            "service",
            "agent",
            "request",
        ]
    ),
    (
        "[Hello|Hi|Good morning|Dear team|Hi there], I [have a problem with|need help with|am writing about] {a}.",
        "[Since yesterday|Since this morning|For three days|After the last update] {a} [does not work|is giving me trouble|is a problem] for us.",
        "My [question|request|complaint] is about {a} and {b}.",
        "[Hello|Hi], could [someone|anybody|you] [please look at|check|help me with] {a}?",
        "I [bought it|signed up|ordered] [last week|in March|a month ago] and now there is trouble with {a}.",
        "[Hello|Hi|Good evening], [something is wrong|I need some help|I am stuck].",
    ),
    (
        "I [already tried|have tried] [restarting it|another browser|logging in again|the steps in the manual] [twice|without luck|and nothing changed].",
        "It [started|happened] [when I mentioned {a}|right after {b}|without any warning].",
        "The [reference|number] on my side is {v}.",
        "[My colleague sees|Two of us see|The whole office sees] the same with {b}.",
        "[This is the second time|It happened before|I reported it last month], and {a} was [never really fixed|fixed for a day only].",
        "The message on the screen [says nothing useful|disappears too quickly to read|talks about {b}].",
        "We [rely on it|need it] [every day|for an audit|before the weekend].",
        "I can [send a photo|share my screen|give you the log] if that helps.",
    ),
    (
        "[Please let me know|Tell me] [what to do next|how long it will take|what you need from me].",
        "[Thank you|Thanks|Many thanks] [for your help|in advance|and have a good day].",
        "I would [prefer a refund|like a call back|accept a replacement] [if that is possible|this week|by tomorrow].",
        "[When can I expect|How soon can I have] an answer?",
    ),
)
REPLY = Grammar(
    frozenset(["reply", "answer", "respond", "response", "assistant", "resolve", "apologise", "apologize"]),
    (
        "[Thank you for writing|Thanks for reaching out|Thank you for your patience]. I [am sorry about|understand the trouble with] {a}.",
        "[Hello|Hi], I [looked into|checked] {a} [for you|right away|together with our team].",
        "[Hello|Hi], [thank you for the details|I am glad to help with this].",
    ),
    (
        "[Please|First] [sign out and in again|restart the app|clear the cache], then try {a} once more.",
        "The cause was [a setting|an old version|a delay on our side], and {b} [should work now|is fixed].",
        "I have [added a note|opened a case|sent a confirmation] [to your account|by e-mail|with all details].",
        "Your reference is {v}.",
        "[Our technicians|The warehouse|The billing team] will [take care of it|come back to you] [today|within one day|by Friday].",
    ),
    (
        "[Is there anything else|Can I help with anything else]?",
        "[Please write again|Let me know] if {a} [comes back|is not solved].",
        "[Have a good day|Kind regards|Best wishes].",
    ),
)
CLINICAL = Grammar(
    frozenset(
        [
            "patient",
            "clinical",
            "doctor",
            "nurse",
            "diagnosis",
            "symptom",
            "symptoms",
            "hospital",
            "medical",
            "clinic",
            "discharge",
            "ward",
            "physician",
        ]
    ),
    (
        "[Patient|The patient] [presents with|reports|was admitted with] {a} [since two days|for one week|of gradual onset].",
        "[Seen today|Reviewed in clinic|Follow-up visit] for {a}[, with {b}|; known {b}|].",
        "[Routine review|Follow-up visit|Phone consultation]; [no acute distress|comfortable at rest|alert and oriented].",
    ),
    (
        "[Recorded value|Measured today]: {v}.",
        "[Denies|No] [fever|chest pain|shortness of breath|weight loss|recent travel].",
        "[Lungs clear|Abdomen soft|Heart sounds regular|No oedema|Skin warm and dry]; {b} [noted|discussed|unchanged].",
        "[Sleep|Appetite|Mobility] [is good|has improved|is reduced since the last visit].",
        "[Medication|Dose] [unchanged|reviewed|reduced by half] [in view of {a}|after discussion|].",
    ),
    (
        "[Plan|Advice]: [review in two weeks|blood tests|physiotherapy|continue treatment|rest and fluids].",
        "[Return|Call] if {a} [worsens|comes back|persists].",
        "[Patient understands and agrees|Family informed|Next visit booked].",
    ),
)
REVIEW = Grammar(
    frozenset(["review", "rating", "stars", "product", "buyer", "shopper", "bought", "opinion", "feedback"]),
    (
        "I [bought|ordered|picked] this [for|because of] {a} and [am happy|have mixed feelings|was surprised].",
        "[After two weeks|After a month|On the first day] {a} [works well|is just fine|let me down].",
        "[Solid|Decent|Lovely|Poor] {a}[, and the {b} is fine too|; {b} could be better|].",
        "[Better than expected|Good value|Not for me|It does the job].",
    ),
    (
        "The [quality|finish|packaging] [is better than|is about what] I [expected|hoped for] [at this price|from {a}|].",
        "[Delivery took|It arrived after] [two days|a week|longer than promised].",
        "I [use it daily|gave one to my sister|compared it with two others], and {b} [stands out|is the weak point].",
        "[Instructions are clear|Setup took five minutes|The manual is thin].",
        "For {v} it is [fair|a bargain|too much].",
    ),
    (
        "[Would buy again|Recommended|I will keep it|I sent it back].",
        "[Four|Five|Three|Two] stars from me.",
        "[A good choice|Think twice] if you need {a}.",
    ),
)
SECURITY = Grammar(
    frozenset(
        [
            "security",
            "attack",
            "alert",
            "login",
            "malware",
            "phishing",
            "firewall",
            "intrusion",
            "incident",
            "threat",
            "soc",
            "exfiltration",
        ]
    ),
    (
        "[Alert|Detection|Warning]: [activity matching|signs of] {a} [seen on one host|from a new address|outside office hours].",
        "[Analyst note|Triage]: {a}[ together with {b}|, source {b}|].",
        "[Sensor|Agent] reported [an unusual pattern|a policy violation|repeated failures].",
    ),
    (
        "[Observed value|Count|Indicator]: {v}.",
        "The [account|host|session] [was locked|was isolated|is being watched] [by rule|by the on-call analyst|for one hour].",
        "[No|Limited] [lateral movement|data transfer|privilege change] [found so far|linked to {b}].",
        "[Logs|Packets|Memory] [collected|preserved] for {a}.",
        "[Similar events|The same source] [appeared last week|are known from threat feeds|were closed as noise before].",
    ),
    (
        "[Severity|Priority]: [low|medium|high|critical].",
        "[Next step|Recommended]: [reset credentials|block the address|patch the host|close after review].",
        "[Escalated|Handed over|Kept open] [to tier two|until the morning shift|pending confirmation of {a}].",
    ),
)
PAYMENT = Grammar(
    frozenset(["card", "bank", "payment", "transaction", "statement", "fraud", "invoice", "transfer", "merchant"]),
    (
        "[Card payment|Purchase|Payment] [at|to] {a}[, {b}|].",
        "[Transaction|Booking] [for|with] {a} [completed|approved|declined].",
        "[Card payment approved|Transfer booked|Direct debit collected].",
    ),
    (
        "Amount {v}.",
        "[Reference|Note]: {b}.",
        "[PIN checked|Contactless|Online, confirmed in the app|Chip read].",
    ),
    ("[Booked|Value date] [today|next working day].", "[No further action|Receipt available in the app]."),
)
DRIVING = Grammar(
    frozenset(
        [
            "driving",
            "driver",
            "road",
            "vehicle",
            "car",
            "speed",
            "traffic",
            "pedestrian",
            "braking",
            "lane",
            "intersection",
        ]
    ),
    (
        "The [car|vehicle|test car] [approaches|meets|passes] {a}[ with {b}|].",
        "[Situation|Scene]: {a}[, {b}|].",
        "[Traffic is light|The lane is clear|The road bends ahead].",
    ),
    (
        "Measured: {v}.",
        "[The driver|The system] [brakes gently|brakes hard|keeps the lane|steers left] [because of {a}|in time|].",
        "[Visibility|Grip] is [good|limited|poor][ due to {b}|].",
        "The gap [closes quickly|stays safe|is shorter than two seconds].",
    ),
    ("[No contact|Near miss|Everybody is safe].", "[The moment is worth a review|The log ends here]."),
)
CAPTION = Grammar(
    frozenset(["caption", "picture", "image", "photo", "scene", "describe", "description", "drawing", "illustration"]),
    (
        "[A picture of|An image with|A simple drawing of|A scene with] {a}[ and {b}|].",
        "{a}[, drawn in flat colours|, seen from the front|, with {b}].",
    ),
    (
        "[The light is even|The shapes are plain|Nothing else is in view].",
        "[In the middle|To one side] there [is|may be] {b}.",
    ),
    ("[The colours are strong|The background is calm].",),
)
SPOKEN = Grammar(
    frozenset(
        ["say", "speak", "spoken", "voice", "command", "utterance", "speech", "announce", "announcement", "prompt"]
    ),
    (
        "[Please|Could you|Would you] [turn on|switch off|check|start|stop] {a}[ now| in the evening| after {b}|].",
        "[Remind me|Tell me|Let me know] about {a}[ at noon| tomorrow| before {b}|].",
        "[What is|How is|Where is] {a}[ today| right now|]?",
        "[Set|Change|Raise|Lower] {a} [to {v}|a little|by ten percent].",
    ),
    ("[And|Then] [do the same for|take care of] {b}.", "[It can wait until|Do it before] [five|seven|the weekend]."),
    ("[Thank you|Thanks|That is all].",),
)
GENERAL = Grammar(
    frozenset(),
    (
        "[This note|This text|The following] is about {a}[ and {b}|].",
        "[When it comes to|As for|Regarding] {a}, [opinions differ|much has changed|the facts are simple].",
        "{a} [matters|comes up|is discussed] [more than one might think|again and again|in many places].",
        "[In short|To begin with|Briefly], [there is little to add|a few points matter].",
    ),
    (
        "[Many|Some|Most] [people|teams|readers] [connect|compare] {a} with {b}.",
        "[One example|A typical case] is {b}.",
        "The [number|figure|value] to remember is {v}.",
        "[Over time|In practice|At first], {a} [becomes easier|needs care|pays off].",
        "[It depends on|Much is decided by] [the details|the moment|good planning|who is asked].",
    ),
    (
        "[More will follow|That is the main point|The rest is detail].",
        "[In the end|All in all], {a} [is worth the effort|remains open|deserves attention].",
    ),
)
GRAMMARS = (SUPPORT, REPLY, CLINICAL, REVIEW, SECURITY, PAYMENT, DRIVING, CAPTION, SPOKEN)
TONES: dict[str, tuple[str, ...]] = {
    "angry": ("This is [unacceptable|a disgrace|really annoying]!", "I am [losing patience|fed up|furious]!"),
    "furious": ("This is [unacceptable|an outrage]!", "[Never again|Enough is enough]!"),
    "frustrated": ("This is [getting tiring|quite frustrating].", "I [expected more|had hoped for better]."),
    "polite": ("I [would be very grateful|really appreciate your time].", "[With kind thanks|Sorry to trouble you]."),
    "friendly": ("[Hope you are well|Have a lovely day]!", "You are [doing a great job|very kind]."),
    "happy": ("I am [delighted|really pleased]!", "[Wonderful|What a nice surprise]!"),
    "worried": ("I am [quite worried|not sure what to think].", "[I hope it is nothing serious|Please reassure me]."),
    "urgent": ("This is [urgent|very urgent]!", "[Please hurry|It cannot wait]!"),
    "calm": ("There is [no rush|plenty of time].", "[Take your time|Whenever it suits you]."),
    "formal": ("[Yours faithfully|With best regards].", "I [remain at your disposal|look forward to your reply]."),
}
