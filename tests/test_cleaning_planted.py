"""A thousand and fifty faulty rows of twenty-one kinds, fifty each, put together from the sentences below.

A planted row counts as found when it is rejected, or when what is left of it is exactly the good text within.
"""

import random
from collections.abc import Iterator
from itertools import cycle, islice
from typing import NamedTuple

import pytest
from test_cleaning import row

from tasks.config import CleaningConfig
from tasks.pipeline.cleaning import clean_rows

PER_KIND = 50

GOOD = [
    "The soup was lukewarm, but the waitress made up for it with free dessert.",
    "I waited forty minutes on hold and then they hung up on me!",
    "honestly the best train ride i have had in years",
    "My daughter laughed so hard at the clown that she got hiccups.",
    "Nobody told us that the pool was closed. We found out in our swimsuits.",
    "It works. Nothing more to say about it.",
    "Can't believe they cancelled the show two hours before the start...",
    "thank you so much for the notes, they saved my exam",
    "The battery lasts a day, the charger lasted a week.",
    "I miss the old library; it smelled of dust and rain.",
    "What a goal! The whole bar jumped up at once.",
    "Our landlord painted over the mould and called it fixed.",
    "Not sure why everyone raves about this phone, it is just a phone",
    "We got lost twice, and both detours were lovelier than the plan.",
    "She apologised before I had even noticed the mistake.",
    "The tutor explains fractions as if they were gossip. My son loves it.",
    "Is it normal that the engine ticks after ten minutes?",
]

PREAMBLES = [
    "Sure! Here is a review:\n\n{}",
    "Sure, here's a short comment about the topic:\n{}",
    "Certainly! Here's your text: {}",
    "Of course! Here is one example for you:\n\n{}",
    "Absolutely! Below is a sample review:\n\n{}",
    "Okay, here is a message that fits:\n{}",
    "Here is a comment that a customer could write:\n\n{}",
    "Here's a tweet for you: {}",
    "Here are the requested texts:\n\n{}",
    "Great! I'll write something fitting.\n\n{}",
    "Got it. Here's the new version:\n{}",
    "Below is a short review, as requested:\n\n{}",
    "Sure thing! Here you go:\n\n{}",
    "No problem! Here is another sentence:\n{}",
    "Alright, here's my attempt:\n\n{}",
    "Understood. Here is the paragraph:\n\n{}",
    "Sure! I can help with that. Here's a post:\n\n{}",
]

WRAPPERS = [
    '"{}"',
    "“{}”",
    "““{}””",
    "'{}'",
    "```\n{}\n```",
    "```text\n{}\n```",
    "**{}**",
    "*{}*",
    "> {}",
    "- {}",
    "Assistant: {}",
    "Review: {}",
    "Comment 3: {}",
    "**Review:** {}",
    'Output: "{}"',
    "Generated text: {}",
    "<p>{}</p>",
    "{}\n\nLet me know if you would like another one!",
    "{}\n\n(Word count: 14)",
    "{}\n\nNote: I kept the tone as you asked.",
]

TITLES = [
    "““{title}”” {text}",
    '""{title}"" {text}',
    "# {title}\n\n{text}",
    "**{title}**\n\n{text}",
    "Title: {title}\n\n{text}",
    "**Title:** {title}\n{text}",
    "{title}\n\n{text}",
    "“{title}”\n\n{text}",
    "## {title}\n{text}",
    "*{title}*\n\n{text}",
]
NAMES = ["A Day Out", "Never Again", "Good Value", "The Long Wait", "My Two Cents"]

THOUGHTS = [
    "<think>The user wants a short text. I will keep it simple.</think>{}",
    "<think>\nOkay, let me write something about this.\nIt should sound real.\n</think>\n\n{}",
    "<think></think>\n{}",
    "The user asks for a comment, so I write one.\n</think>\n{}",
    "<thinking>Keep it casual.</thinking>\n{}",
    "<reasoning>One sentence is enough here.</reasoning>{}",
    '<think>Let me draft it.</think>\n\nHere is the review:\n\n"{}"',
    "{}<think>Is that good enough? I could add",
    "<think>I need a text.\n\n{}",  # never closed: nothing can be told apart, the row is lost
    "<think>short</think>{}<think>done</think>",
]

REFUSALS = [
    "I'm sorry, but I can't help with that request.",
    "I’m sorry, but I can’t assist with that.",
    "I am sorry, but I cannot write a text about {}.",
    "I'm sorry, but as an AI I do not visit places, so I have no opinion on {}.",
    "As an AI language model, I don't have personal feelings about {}.",
    "As a language model I have never tried {} myself.",
    "I cannot fulfill this request.",
    "I can't create content about {}, but I can suggest another subject.",
    "I cannot generate text that talks badly about {}.",
    "I am unable to write this review for you.",
    "I'm not able to produce that kind of content.",
    "I'm unable to provide reviews of {}.",
    "I apologize, but I cannot complete this task.",
    "I apologise, but as an assistant I have to stay neutral about {}.",
    "Writing this would go against my guidelines.",
    "That is against my programming, so let us talk about {} in another way.",
    "This request violates our content policy.",
    "I won't write that kind of comment about {}.",
    "I must decline to write this text.",
    "Unfortunately, I cannot provide a review of {} because I have no experience of it.",
    "I'm just an AI, so I cannot taste or feel {}.",
    "I am a language model and have no opinion on {}.",
    "Sorry, but I can't write negative comments about {}.",
    "I'm really sorry, but I won't be able to help with this one.",
    "Thank you for asking! However, as an AI assistant I cannot review {}.",
]
SUBJECTS = ["the hotel", "a dentist"]

LISTS = [
    "1. {}\n2. {}\n3. {}",
    "1) {}\n2) {}",
    "- {}\n- {}\n- {}",
    "* {}\n* {}",
    "• {}\n• {}",
    "Review 1: {}\nReview 2: {}",
    "**Review 1:** {}\n\n**Review 2:** {}",
    "1. {} 2. {} 3. {}",
    "Example 1: {} Example 2: {}",
    "Here are two comments:\n\n1. {}\n2. {}",
    "(1) {}\n(2) {}",
    '1. "{}"\n\n2. "{}"',
    "Comment 1\n{}\n\nComment 2\n{}",
    "Text 1 - {}\nText 2 - {}",
    "**1.** {}\n**2.** {}",
    "Option 1: {}\n\nOption 2: {}",
    "Sure! Here are three samples:\n1. {}\n2. {}\n3. {}",
]

ECHOES = [
    "Write a short review about a restaurant in a positive tone.",
    "This comment expresses a feeling of joy about the food.",
    "The text is written in a very negative tone.",
    "Sentiment: very positive",
    "Tone: slightly negative. The train was late again today.",
    "Please write a comment that expresses joy about a hotel stay.",
    "Generate 5 sentences about food with the label joy.",
    "The following sentence conveys a sense of joy about dinner.",
    "It is a very positive review of the new cinema in town.",
    "Label: joy. What a dinner that was!",
    "The emotion is joy and the topic is food.",
    "However, please provide the writing style and topic below.",
    "However, please provide the writing style and topic below. **Topic:** Food **Writing Style:** Casual",
    "Your instructions were to write about food, so here it goes.",
    "I stayed at [hotel name] last week and loved it.",
    "The staff at [insert restaurant] were so kind to us.",
    "Dear [Your Name], thank you for the lovely dinner on Friday.",
    "This text reflects a negative sentiment about public transport.",
    "The writing style is casual and the word count is low.",
    "Overall negative sentiment: the queue was endless and the food cold.",
    "Compose a tweet about coffee that sounds annoyed.",
    "Create a message from a student about exams, in a neutral tone.",
    "The author shows mixed sentiment towards the product here.",
    "A short paragraph with a neutral tone about the weather follows.",
    "The prompt asks for a text about travel with joy in it.",
]

FOREIGN = [
    "Das Essen war kalt und die Bedienung unfreundlich.",
    "Ich habe selten so gut geschlafen wie in diesem Hotel.",
    "Der Zug kam schon wieder eine halbe Stunde zu spät!",
    "Le repas était froid et le serveur très désagréable.",
    "Je suis vraiment contente de mon nouveau téléphone.",
    "Quelle belle surprise, merci beaucoup pour tout !",
    "La comida estaba fría y el camarero fue muy grosero.",
    "Estoy muy feliz con mi nuevo teléfono, funciona genial.",
    "No vuelvo nunca más a este restaurante, qué asco.",
    "Il cibo era freddo e il cameriere molto scortese.",
    "Sono davvero felice di questo acquisto, lo consiglio a tutti.",
    "Che delusione, il concerto è stato annullato all'ultimo momento.",
    "A comida estava fria e o garçom foi muito grosseiro.",
    "Estou muito feliz com o meu novo celular, recomendo.",
    "Het eten was koud en de bediening was erg onvriendelijk.",
    "Ik ben heel blij met mijn nieuwe fiets, echt een aanrader.",
    "Maten var kall och servitören var väldigt otrevlig.",
    "Jag är så glad över min nya cykel, den är fantastisk.",
    "Maden var kold, og tjeneren var meget uhøflig.",
    "Jeg er veldig fornøyd med den nye sykkelen min.",
    "Ruoka oli kylmää ja tarjoilija todella epäystävällinen.",
    "Olen todella iloinen uudesta puhelimestani, suosittelen.",
    "Jedzenie było zimne, a kelner bardzo nieuprzejmy.",
    "Jestem bardzo zadowolona z nowego telefonu, polecam.",
    "Jídlo bylo studené a číšník byl velmi nepříjemný.",
    "Az étel hideg volt, és a pincér nagyon udvariatlan.",
    "Mâncarea era rece și chelnerul foarte nepoliticos.",
    "Yemek soğuktu ve garson çok kabaydı.",
    "Yeni telefonumdan çok memnunum, herkese tavsiye ederim.",
    "Makanannya dingin dan pelayannya sangat tidak ramah.",
    "Saya sangat senang dengan ponsel baru saya.",
    "Đồ ăn nguội và người phục vụ rất bất lịch sự.",
    "Еда была холодной, а официант очень грубым.",
    "Я так рада новому телефону, всем советую!",
    "Їжа була холодною, а офіціант дуже грубим.",
    "Храната беше студена, а сервитьорът много груб.",
    "Το φαγητό ήταν κρύο και ο σερβιτόρος πολύ αγενής.",
    "الطعام كان باردا والنادل كان فظا جدا.",
    "האוכל היה קר והמלצר היה מאוד גס רוח.",
    "खाना ठंडा था और वेटर बहुत असभ्य था।",
    "আমি আমার নতুন ফোন নিয়ে খুব খুশি।",
    "食物是冷的,服务员非常粗鲁。",
    "我对新手机非常满意,推荐给大家。",
    "料理は冷めていて、店員はとても失礼でした。",
    "新しい携帯電話にとても満足しています。",
    "음식이 차갑고 종업원이 매우 무례했습니다.",
    "새 전화기가 정말 마음에 들어요, 추천합니다.",
    "อาหารเย็นและพนักงานเสิร์ฟหยาบคายมาก",
    "غذا سرد بود و پیشخدمت خیلی بی ادب بود.",
    "El menjar era fred i el cambrer molt mal educat.",
]

LOOPS = ["very", "the food", "I love it", "no no", "and then", "it was good so"]
ROWS_OF_KEYS = ["asdfghjkl", "qwertyuiop", "zxcvbnm"]
SIGNS = ["#$%^&*()_+{}|:<>?~=-", "â€™Ã©Ã¨â€œÂ»Ã¼", "|---|:--:|---|", "{};()=><[]//**"]

CUTS = [
    "The soup was lovely and the bread was fresh. We also ordered the",
    "I called them twice. Nobody picked up, and in the end I had to drive there mysel",
    "My phone broke after a week. The shop said that it was my",
    "What a night! We danced until the lights went on and",
    "It rained all day. Still, the children",
    "the waiter came over and told us that the kitchen",
    "I would not recommend this place because the",
    "She smiled at me as if I had",
    "We were on the way to the airport when suddenly our",
    "Every single time I go there they",
]


JSON = [
    '{{"text": "{}"}}',
    '{{"text": "{}", "label": "refund"}}',
    '{{"label": "joy", "comment": "{}"}}',
    '```json\n{{"review": "{}"}}\n```',
    'Here is the text:\n{{"text": "{}"}}',
    '[{{"text": "{}"}}]',
    '{{"label": "refund", "guest_note": "{}"}}',
    '{{"texts": ["{}"]}}',
]

CHAT_MARKS = [
    "assistant\n{}",
    "[INST] refund [/INST] {}",
    "[INST]Write a review.[/INST]{}",
    "<|im_start|>assistant\n{}<|im_end|>",
    "{}[/INST]",
    "model\n{}",
    "assistant {}",
    "user\nWrite it.\nassistant\n{}",
    "<start_of_turn>model\n{}<end_of_turn>",
    "<<SYS>>Be brief.<</SYS>>{}",
]
NEXT_TURNS = [
    "{}\nUser: another one",
    "{}\nassistant\nThat was one.",
    "{}<|im_end|>\n<|im_start|>user\nAnother one",
    "{}<|endoftext|>The next one was longer.",
    "{}\n### Instruction:\nWrite another.",
]

SAME_LINE = [
    "Absolutely — here is one: {}",
    "Sure thing, here you go: {}",
    "Of course, here it is: {}",
    "Certainly, here goes: {}",
    "Here's one: {}",
    "Sure, how about this: {}",
    "Here you go: {}",
]
OUTROS = [
    "{} Let me know if you'd like more examples!",
    "{} Would you like me to write another version?",
    "{} Feel free to ask for other variations.",
    "{} Let me know if you want it shorter!",
    "{} Feel free to adjust it.",
    "{} (Note: this is a fictional comment.)",
    "{} [End of comment]",
]

MEANINGS = [
    ("refund", "The customer wants their money back.", "The customer wants their money back for {}."),
    ("joy", "The writer is happy and enjoys the moment.", "The writer is happy about {}."),
    ("gratitude", "The writer is thankful.", "In gratitude mode: thanks for {}!"),
    ("fear", "The writer is afraid of a threat.", "This text expresses fear of {}."),
    (
        "pride",
        "The writer is pleased with what they achieved.",
        "I am pleased with what they achieved at {}.",
    ),
    ("anger", "The writer is strongly displeased.", "Anger: I hate {}."),
    ("anger", "The writer is strongly displeased.", "Anger - I hate {}."),
    ("refund", "The customer wants their money back.", "As a refund request, it is about {}."),
    ("joy", "The writer is happy and enjoys the moment.", "I like {} (joy)"),
    ("fear", "The writer is afraid of a threat.", "Expressing fear: what about {}?"),
    ("pride", "The writer is pleased with what they achieved.", "I made {}. This comment shows pride."),
]
THINGS = ["the soup", "a late bus", "my new shoes", "the old school", "that film", "our garden", "a phone",
          "the hotel", "the team"]  # fmt: skip

ALOUD = [
    "Okay so the user wants a text about {}. Maybe: it was fine.",
    "The prompt asks for something about {}, so I will be brief.",
    "Let me think about {}. It was fine, and we left.",
    "I need to write a comment about {} that sounds real.",
    "Hmm, the user asked for {}. I'd say it was fine.",
    "Alright, I'll write a short text on {} now.",
    "We need to write a short comment about {}.",
    "I should make it sound real. It was fine with {}.",
    "Thinking: something about {} will do.",
]
MILDER = [
    "I cannot and will not write hateful content. However, here is a milder version: {} is bad.",
    "I can't do that. Here's a gentler version instead: {} is bad.",
    "I'm not going to write an insult. Instead: {} is not for me.",
    "I won't write that kind of comment, but here is a more polite one: {} is bad.",
    "Instead of hateful content, I can offer this: {} is not for me.",
]
REQUESTS = [
    "A review about a day out: {} was fine.",
    "Here we have a review about a day out, with {}.",
    "This is my review about a day out. We liked {}.",
]
BROKEN_JSON = [
    '{{"text": "We liked {}',
    '"text": "We liked {}."',
    '{{"text": "{}"}}, {{"text": "It was fine."}}',
]
PLACEHOLDERS = [
    "Dear [Author], thanks for {}.",
    "Hi [Customer], sorry about {}.",
    "I bought {} at [insert shop].",
    "My order #[number] with {} never came.",
    "Hi {{name}}, I liked {}.",
    "I saw {} at <store name> last week.",
    "I saw {} at the XYZ Store.",
]
DIALOGUES = [
    "Input: {} Output: joy",
    "Question: How was {}?\nAnswer: It was fine.",
    "Prompt: {}\nOutput: fine",
]


class Planted(NamedTuple):
    """A faulty text, and what may be left of it; None: nothing, the row must be rejected."""

    kind: str
    text: str
    rest: str | None
    cut: bool = False
    label: str = "joy"
    prompt: str = "Write one short review about a day out."


def fitted(kind: str, templates: list[str]) -> Iterator[Planted]:
    """Each template around a good text, changing both."""
    for template, text in zip(cycle(templates), cycle(GOOD), strict=False):
        yield Planted(kind, template.replace("{}", text), text)


def titles() -> Iterator[Planted]:
    for place, (template, text) in enumerate(zip(cycle(TITLES), cycle(GOOD), strict=False)):
        title = NAMES[place // len(TITLES) % len(NAMES)]
        yield Planted("title", template.format(title=title, text=text), text)


def refusals() -> Iterator[Planted]:
    for subject in SUBJECTS:
        for template in REFUSALS:
            yield Planted("refusal", template.format(subject), None)


def lists() -> Iterator[Planted]:
    texts = cycle(GOOD)
    for template in cycle(LISTS):
        yield Planted("list", template.format(*islice(texts, 3)), None)


def echoes() -> Iterator[Planted]:
    for text in ECHOES:
        yield Planted("instruction echo", text, None)
        yield Planted("instruction echo", f"{text} The waiter was quick, and we left happy.", None)


def gibberish() -> Iterator[Planted]:
    draw = random.Random(0)
    while True:
        letters = draw.choice(ROWS_OF_KEYS)
        mash = ["".join(draw.choices(letters, k=draw.randint(4, 9))) for _ in range(6)]
        yield Planted("gibberish", " ".join(mash), None)
        yield Planted(
            "gibberish",
            " ".join(["".join(draw.choices("bcdfghjklmnpqrstvwxz", k=7)) for _ in range(5)]),
            None,
        )
        yield Planted("gibberish", " ".join([draw.choice(LOOPS)] * draw.randint(20, 40)), None)
        yield Planted("gibberish", (draw.choice(SIGNS) + " ") * 6, None)
        yield Planted("gibberish", "".join(draw.choices("abcdefghijklmnopqrstuvwxyz     ", k=90)), None)


def cuts() -> Iterator[Planted]:
    for text in cycle(CUTS):
        head = max(text.rfind(stop) for stop in ".!?") + 1
        yield Planted("truncated", text, text[:head] or None, cut=True)
        good = GOOD[len(text) % 5]
        if good.endswith((".", "!")):
            yield Planted("truncated", f"{good} {text}", f"{good} {text[:head]}".strip(), cut=True)


def in_json() -> Iterator[Planted]:
    for template, text in zip(cycle(JSON), cycle(GOOD), strict=False):
        yield Planted("json", template.format(text), text)


def same_line() -> Iterator[Planted]:
    for place, text in enumerate(cycle(GOOD)):
        yield Planted("same line", SAME_LINE[place % len(SAME_LINE)].format(text), text)
        if text.endswith((".", "!", "?")):
            yield Planted("same line", OUTROS[place % len(OUTROS)].format(text), text)


def meanings() -> Iterator[Planted]:
    for thing in cycle(THINGS):
        for label, meaning, template in MEANINGS:
            prompt = f"Write one short comment.\nIt expresses:\n- {label}: {meaning}"
            yield Planted("meaning echo", template.format(thing), None, label=label, prompt=prompt)


def filled(kind: str, templates: list[str]) -> Iterator[Planted]:
    """Each template around a thing; nothing of it may stay."""
    for place, template in enumerate(cycle(templates)):
        yield Planted(kind, template.format(THINGS[place % len(THINGS)]), None)


def planted() -> list[Planted]:
    """All of them, fifty of a kind."""
    kinds = [
        fitted("preamble", PREAMBLES),
        fitted("wrapper", WRAPPERS),
        titles(),
        fitted("thought", THOUGHTS),
        refusals(),
        lists(),
        echoes(),
        (Planted("foreign language", text, None) for text in FOREIGN),
        gibberish(),
        cuts(),
        in_json(),
        fitted("chat mark", CHAT_MARKS),
        same_line(),
        meanings(),
        filled("reasoning", ALOUD),
        filled("placeholder", PLACEHOLDERS),
        filled("input and output", DIALOGUES),
        filled("milder version", MILDER),
        filled("request", REQUESTS),
        filled("broken JSON", BROKEN_JSON),
        fitted("next turn", NEXT_TURNS),
    ]
    return [fault for kind in kinds for fault in islice(kind, PER_KIND)]


def missed(faults: list[Planted]) -> list[tuple[Planted, str]]:
    """Planted rows that came through with something other than the good text, and what came through."""
    config = CleaningConfig()
    through = []
    for fault in faults:
        votes = {"cut": 1.0} if fault.cut else {}
        given = row(fault.text, votes=votes, labels=[fault.label], prompt=fault.prompt)
        for kept in clean_rows([given], config).kept:
            if kept["text"] != fault.rest:
                through.append((fault, kept["text"]))
    return through


def test_there_are_fifty_of_each_of_twenty_one_kinds():
    kinds = [fault.kind for fault in planted()]
    assert len(kinds) == 1_050
    assert {kinds.count(kind) for kind in kinds} == {PER_KIND}


@pytest.mark.parametrize("kind", sorted({fault.kind for fault in planted()}))
def test_planted_faults_are_found(kind):
    faults = [fault for fault in planted() if fault.kind == kind]
    assert len(missed(faults)) <= 0.02 * len(faults), missed(faults)


def test_good_texts_inside_wrappers_are_saved_rather_than_rejected():
    config = CleaningConfig()
    saved = [fault for fault in planted() if fault.kind in {"preamble", "wrapper", "title"}]
    lost = [fault for fault in saved if clean_rows([row(fault.text)], config).rejects]
    assert lost == []


def test_the_good_texts_themselves_come_through():
    filtered = clean_rows([row(text, str(i)) for i, text in enumerate(GOOD)], CleaningConfig())
    assert [kept["text"] for kept in filtered.kept] == GOOD
