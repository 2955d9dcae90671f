"""Five hundred more planted faults, written after the rules and in other words; see `test_cleaning_planted`.

The rules as they stood when this set was written found 69.4 % of it (the first set: 100 %). They were then
improved with it, so it holds what was won but says no longer how they do on faults that they never saw.
"""

import random
from collections.abc import Iterator
from itertools import cycle, islice

import pytest
from test_cleaning import row
from test_cleaning_planted import PER_KIND, Planted, missed

from tasks.config import CleaningConfig
from tasks.pipeline.cleaning import clean_rows

GOOD = [
    "The plumber turned up two hours late and left mud on every carpet we own.",
    "Finally a backpack that does not dig into my shoulders. Worth every cent.",
    "no idea how they manage to ruin toast but they did it again this morning",
    "Mum cried when she opened the parcel, and then we all did!",
    "The keyboard is fine. It types. That is about all I can say for it.",
    "Who decided that the gym should close at six on a Sunday?",
    "I was shaking before the interview, but the panel could not have been nicer.",
    "That ending came out of nowhere and I am still thinking about it days later.",
    "They charged me twice and then lost my ticket, so I gave up and walked home.",
    "lol the dog has learned to open the fridge, we are doomed",
    "Our guide knew each bird by its call. What a morning.",
    "The update wiped my settings for the third time this year.",
    "It is a quiet little library with good light and bad coffee.",
    "Honestly proud of how far the kids' choir has come since autumn.",
    "Two stars because the bed was clean; nothing else was.",
    "I miss the old bakery more than I thought I would.",
    "The lecture overran by an hour and nobody minded at all.",
    "They never called back, and I have stopped waiting for it.",
    "The tyres grip well in the rain, less so on gravel.",
    "Grateful to the stranger who chased the bus to hand me my scarf.",
]
PREAMBLES = [
    "Here's one possible version:\n\n{}",
    "Sure - here's something that should work:\n\n{}",
    "Of course, happy to help! Here's the comment:\n\n{}",
    "Yes, of course. Here is what I came up with:\n\n{}",
    "Here is the generated text:\n{}",
    "Here's a sample social media post:\n\n{}",
    "Absolutely, here's a realistic review:\n\n{}",
    "Certainly. Below is the requested message.\n\n{}",
    "I'd be happy to help! Here's a review that fits your criteria:\n\n{}",
    "Thanks for the details! Here's the comment you asked for:\n\n{}",
    "Alright! Here's a short paragraph for you:\n\n{}",
    "Okay! Let me try:\n\n{}",
    "Sure, I'd be glad to. Here is the text:\n\n{}",
    "As requested, here is a comment:\n\n{}",
    "Here you go:\n\n{}",
    "Here it is:\n\n{}",
    "The following is a customer review:\n\n{}",
    "This is a review of the product:\n\n{}",
    "My response:\n\n{}",
    "Sure thing, here goes:\n\n{}",
]
WRAPPERS = [
    "“{}”",
    "«{}»",
    '"""{}"""',
    "```markdown\n{}\n```",
    "~~~\n{}\n~~~",
    "<review>{}</review>",
    '<div class="comment">{}</div>',
    "AI: {}",
    "Bot: {}",
    "### Response:\n{}",
    "Answer: {}",
    "[Review] {}",
    "__{}__",
    "***{}***",
    "{}\n\n---\n\nI hope this helps! Let me know if you need anything else.",
    "{}\n\n(This review reflects the customer's experience.)",
    "{}\n\nWould you like me to write another one?",
    "{}\n\n**Word count:** 15",
    "{}<|im_end|>",
    "{}</s>",
    "Text: “{}”",
    "{}\n\nFeel free to adjust the wording!",
]
TITLES = [
    "### {title}\n\n{text}",
    "**{title}**\n{text}",
    '"{title}"\n\n{text}',
    "“““{title}””” {text}",
    "Subject: {title}\n\n{text}",
    "Headline: {title}\n\n{text}",
    "{title}\n=========\n\n{text}",
    "__{title}__\n\n{text}",
    "***{title}***\n\n{text}",
    "<h2>{title}</h2>\n{text}",
]
NAMES = ["Not What I Hoped For", "Five Stars", "A Letter to My Landlord", "Monday Again", "Small Joys"]
THOUGHTS = [
    "<think>First, the tone. Then the length.</think>\n{}",
    "<thought>Something short and casual.</thought>{}",
    "<think>\n\n</think>\n\n{}",
    "Hmm, the user wants negative. Let me think about the hotel.</think>{}",
    "<reasoning>\nKeep under 30 words.\n</reasoning>\n\n{}",
    "<THINK>Casual voice.</THINK>{}",
    "<|thinking|>Plan the text.<|/thinking|>{}",
    "<scratchpad>Idea: a late plumber.</scratchpad>{}",
    "<analysis>The label is anger.</analysis>\n{}",
    "<think>Draft one is too long.</think><think>Draft two is better.</think>{}",
]
REFUSALS = [
    "I'm sorry, but I'm not able to continue with this request.",
    "Sorry, I can't assist with that.",
    "I apologize, but I'm unable to fulfill that request as it is.",
    "I can't provide a comment of that nature about {}.",
    "I don't feel comfortable writing a hateful message about {}.",
    "I'm not comfortable producing this kind of text.",
    "I do not have personal experiences, so I cannot truly review {}.",
    "As an artificial intelligence, I have never been angry at {}.",
    "As an AI developed to be helpful, I try to stay balanced on {}.",
    "I must respectfully decline to write something insulting about {}.",
    "It is not appropriate for me to write such a comment.",
    "I'm afraid I can't do that.",
    "Unfortunately I'm not able to generate a review without more information about {}.",
    "I cannot comply with this request.",
    "I can't write that, but I could write a polite complaint about {} instead.",
    "My guidelines do not allow me to write insults about {}.",
    "I was designed to be respectful, so I will not write this.",
    "Being a language model, I have no feelings about {}.",
    "I am just a computer program and have no opinion on {}.",
    "I'm an AI assistant and I don't have emotions about {}.",
    "I will not be writing a text that demeans people at {}.",
    "I'm sorry, I can't create that content.",
    "I regret that I cannot produce this message.",
    "This goes against OpenAI's use policy, so I cannot write it.",
    "I'm unable to help with that, sorry.",
]
SUBJECTS = ["the airline", "my neighbours"]
LISTS = [
    "1. {}\n\n2. {}\n\n3. {}",
    "1: {}\n2: {}",
    "a) {}\nb) {}",
    "A. {}\nB. {}",
    "– {}\n– {}\n– {}",
    "Review #1\n{}\n\nReview #2\n{}",
    "First review: {}\n\nSecond review: {}",
    "### Example 1\n{}\n\n### Example 2\n{}",
    "**Comment 1**\n{}\n\n**Comment 2**\n{}",
    "{}\n---\n{}\n---\n{}",
    "[1] {}\n[2] {}",
    '"{}"\n\n"{}"\n\n"{}"',
    "Here are a few:\n* {}\n* {}",
    "1️⃣ {}\n2️⃣ {}",
    "i. {}\nii. {}\niii. {}",
    "Tweet 1: {}\n\nTweet 2: {}",
    "Version A: {}\n\nVersion B: {}",
    "Positive: {}\nNegative: {}",
    "1) {} 2) {} 3) {}",
    "{}\n\nOR\n\n{}",
]
ECHOES = [
    "Write me a comment about a gym, angry, two sentences.",
    "Task: write a short text that shows gratitude.",
    "This review should express disappointment with the service.",
    "The tone of this comment is strongly negative.",
    "Emotion: joy\nTopic: hotels",
    "Sentiment label: somewhat positive",
    "[Your review here]",
    "I bought this at [store name] last [day].",
    "Dear [Manager's Name], I am writing about my stay.",
    "The sentiment of the text is neutral.",
    "In this text, the writer expresses joy about their new flat.",
    "The speaker conveys a feeling of joy through short sentences.",
    "Generate a realistic tweet from a commuter, somewhat negative.",
    "Output only the comment, without any explanation.",
    "Do not mention the label in the text.",
    "Please note that this is a fictional review written for training purposes.",
    "This is an example of a text that carries the emotion joy.",
    "Topic: trains. Style: forum post. Length: short.",
    "A neutral comment about the weather that does not take sides.",
    "Write in the first person and keep it under fifty words.",
    "The comment must be in English and must not contain names.",
    "Rating: very negative. The bus was late.",
    "Your task is to write one comment that sounds annoyed.",
    "Instruction: describe a visit to the dentist with fear.",
    "The text shows a clear positive sentiment towards the new library.",
]
FOREIGN = [
    "Der Klempner kam zwei Stunden zu spät und hat alles dreckig gemacht.",
    "Endlich ein Rucksack, der nicht drückt. Jeden Cent wert.",
    "Meine Mutter hat geweint, als sie das Paket geöffnet hat.",
    "Die Tastatur ist in Ordnung, mehr kann man nicht sagen.",
    "Le plombier est arrivé avec deux heures de retard, quelle honte.",
    "Enfin un sac à dos qui ne fait pas mal aux épaules.",
    "Maman a pleuré en ouvrant le colis, et nous aussi.",
    "Je ne comprends pas pourquoi la salle ferme si tôt le dimanche.",
    "El fontanero llegó dos horas tarde y lo dejó todo sucio.",
    "Por fin una mochila que no me hace daño en los hombros.",
    "Mi madre lloró cuando abrió el paquete, y nosotros también.",
    "No entiendo por qué el gimnasio cierra tan pronto los domingos.",
    "L'idraulico è arrivato con due ore di ritardo, che vergogna.",
    "Finalmente uno zaino che non fa male alle spalle.",
    "Mia madre ha pianto quando ha aperto il pacco.",
    "O encanador chegou duas horas atrasado e sujou tudo.",
    "Finalmente uma mochila que não machuca os ombros.",
    "Minha mãe chorou quando abriu o pacote, e nós também.",
    "De loodgieter kwam twee uur te laat en liet overal modder achter.",
    "Eindelijk een rugzak die niet in mijn schouders snijdt.",
    "Rörmokaren kom två timmar för sent och smutsade ner allt.",
    "Äntligen en ryggsäck som inte skaver på axlarna.",
    "Blikkenslageren kom to timer for sent og etterlot gjørme overalt.",
    "Endelig en rygsæk, der ikke gør ondt i skuldrene.",
    "Putkimies tuli kaksi tuntia myöhässä ja sotki kaikki matot.",
    "Hydraulik spóźnił się dwie godziny i wszystko pobrudził.",
    "Wreszcie plecak, który nie wrzyna się w ramiona.",
    "Instalatér přišel o dvě hodiny později a všechno zašpinil.",
    "A vízszerelő két órát késett, és mindent összekoszolt.",
    "Instalatorul a venit cu două ore mai târziu și a murdărit tot.",
    "Tesisatçı iki saat geç geldi ve her yeri kirletti.",
    "Sonunda omuzlarımı acıtmayan bir sırt çantası buldum.",
    "Tukang ledeng datang terlambat dua jam dan mengotori semuanya.",
    "Thợ sửa ống nước đến muộn hai tiếng và làm bẩn hết cả nhà.",
    "Сантехник опоздал на два часа и всё испачкал.",
    "Наконец-то рюкзак, который не натирает плечи.",
    "Сантехнік запізнився на дві години і все забруднив.",
    "Водопроводчикът закъсня с два часа и изцапа всичко.",
    "Ο υδραυλικός άργησε δύο ώρες και λέρωσε τα πάντα.",
    "وصل السباك متأخرا ساعتين وترك الطين في كل مكان.",
    "השרברב איחר בשעתיים והשאיר בוץ בכל מקום.",
    "प्लंबर दो घंटे देर से आया और सब कुछ गंदा कर गया।",
    "অবশেষে এমন একটা ব্যাগ পেলাম যা কাঁধে ব্যথা দেয় না।",
    "水管工迟到了两个小时，把地毯都弄脏了。",
    "终于买到一个不勒肩膀的背包了。",
    "配管工は二時間も遅れて来て、部屋を泥だらけにした。",
    "やっと肩が痛くならないリュックを見つけました。",
    "배관공이 두 시간이나 늦게 와서 온 집안을 더럽혔어요.",
    "ช่างประปามาสายสองชั่วโมงและทำพรมเลอะหมด",
    "لوله‌کش دو ساعت دیر آمد و همه جا را گلی کرد.",
]
STEMS = [
    "The plumber came late again and the",
    "I would have stayed longer, only the",
    "We had planned the whole trip. Everything was booked, and yet",
    "She laughed so hard that her",
    "My bike was stolen. The police told me that I",
    "What I liked most was the",
    "There is one thing about this town that",
    "It works. It is quiet and small. The one problem is tha",
    "Nobody had told us that we needed",
    "So I asked for the manager, and she just",
]


def fitted(kind: str, templates: list[str]) -> Iterator[Planted]:
    for template, text in zip(cycle(templates), cycle(GOOD[:19]), strict=False):
        yield Planted(kind, template.replace("{}", text), text)


def titles() -> Iterator[Planted]:
    for place, (template, text) in enumerate(zip(cycle(TITLES), cycle(GOOD[:19]), strict=False)):
        title = NAMES[place // len(TITLES) % len(NAMES)]
        yield Planted("title", template.format(title=title, text=text), text)


def lists() -> Iterator[Planted]:
    texts = cycle(GOOD)
    for template in cycle(LISTS):
        yield Planted("list", template.format(*islice(texts, 3)), None)


def echoes() -> Iterator[Planted]:
    for text in ECHOES:
        yield Planted("instruction echo", text, None)
        yield Planted("instruction echo", f"{text}\nThe dentist was kind and it hardly hurt.", None)


def gibberish() -> Iterator[Planted]:
    draw = random.Random(1)
    consonants, word = "bcdfghjklmnpqrstvwxz", draw.choice
    while True:
        yield Planted("gibberish", " ".join("".join(draw.choices(consonants, k=6)) for _ in range(8)), None)
        yield Planted("gibberish", " ".join([word(["ha", "the bus", "so good", "wow"])] * 30), None)
        yield Planted("gibberish", "".join(draw.choices("0123456789 .,;:#@%&", k=80)), None)
        yield Planted("gibberish", " ".join(["lkjhgfdsa", "poiuytrewq", "mnbvcxz"] * 3), None)
        yield Planted(
            "gibberish", "\\frac{a}{b} = \\sum_{i=0}^{n} x_i^2 + {{}} [] || && ++ -- == != <> %%", None
        )


def cuts() -> Iterator[Planted]:
    for stem, good in zip(cycle(STEMS), cycle(text for text in GOOD if text[-1] in ".!?"), strict=False):
        head = stem[: max(stem.rfind(stop) for stop in ".!?") + 1]
        yield Planted("truncated", stem, head or None, cut=True)
        yield Planted("truncated", f"{good} {stem}", f"{good} {head}".strip(), cut=True)


def unseen() -> list[Planted]:
    """Five hundred, fifty of a kind."""
    kinds = [
        fitted("preamble", PREAMBLES),
        fitted("wrapper", WRAPPERS),
        titles(),
        fitted("thought", THOUGHTS),
        (Planted("refusal", text.format(subject), None) for subject in SUBJECTS for text in REFUSALS),
        lists(),
        echoes(),
        (Planted("foreign language", text, None) for text in FOREIGN),
        gibberish(),
        cuts(),
    ]
    return [fault for kind in kinds for fault in islice(kind, PER_KIND)]


def test_there_are_fifty_of_each_of_ten_kinds():
    kinds = [fault.kind for fault in unseen()]
    assert len(kinds) == 500
    assert {kinds.count(kind) for kind in kinds} == {PER_KIND}


@pytest.mark.parametrize("kind", sorted({fault.kind for fault in unseen()}))
def test_planted_faults_are_found(kind):
    faults = [fault for fault in unseen() if fault.kind == kind]
    # "I'm afraid I can't do that." comes through: people quote the film.
    assert len(missed(faults)) <= (2 if kind == "refusal" else 0), missed(faults)


def test_good_texts_inside_wrappers_are_saved_rather_than_rejected():
    saved = [fault for fault in unseen() if fault.kind in {"preamble", "wrapper", "title"}]
    lost = [f for f in saved if clean_rows([row(f.text)], CleaningConfig()).rejects]
    assert lost == []
