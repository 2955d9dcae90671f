"""Human-written text put into readable English, or left out: a generator writes what it was shown.

Comments on the web lack apostrophes, capitals and full stops, and name the site that they were written on.
What can be repaired is repaired; what cannot is dropped.
"""

import re

import numpy as np

ROLES = (
    "my friend",
    "my brother",
    "my sister",
    "my boss",
    "my neighbour",
    "my cousin",
    "my mom",
    "my dad",
    "my roommate",
    "my coach",
    "my teacher",
    "my uncle",
    "my aunt",
    "my coworker",
    "our captain",
    "the manager",
    "this guy",
    "this woman",
    "the singer",
    "the player",
)
"""What is put where a data set hides a name."""
NAME_MASK = "[NAME]"
FEWEST_WORDS, MOST_WORDS = 4, 42
RAREST = 2.2
"""Zipf frequency below which a word counts as a slip or as a name."""

# Signs of the site and of markup, and words that a generator of ours shall not learn here.
_SITE = "reddit\\w* subreddit\\w* subs? op upvot\\w* downvot\\w* karma mods? tl;?dr threads? repost\\w* gif"
_COARSE = (
    "lmf?ao rofl fuck\\w* shit\\w* bitch\\w* dick\\w* cunt\\w* pussy ass asshole\\w* bullshit porn\\w* "
    "rape\\w* fag\\w* retard\\w* whore\\w* slut\\w* nazi\\w* suicid\\w* kill\\w* meme\\w* edit nsfw bot"
)
_GROUPS = "jews? muslim\\w* islam\\w* christian\\w* blacks? whites? gays? trump hitler"
_WORDS = "|".join(f"{_SITE} {_COARSE} {_GROUPS}".split())
_MARKS = r"cake ?day|\b[ur]/|/s\b|https?:|www\.|&\w+;|[\^*_\[\]\\>~#|]|\"\""
_UNWANTED = re.compile(rf"\b(?:{_WORDS})\b|{_MARKS}", re.IGNORECASE)
_EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u200d\ufe0f]")
_TYPOGRAPHIC = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "…": "..."})
_SPELLINGS = {
    "im": "I'm",
    "id": "I'd",
    "ive": "I've",
    "i": "I",
    "dont": "don't",
    "cant": "can't",
    "didnt": "didn't",
    "doesnt": "doesn't",
    "isnt": "isn't",
    "wasnt": "wasn't",
    "arent": "aren't",
    "wouldnt": "wouldn't",
    "couldnt": "couldn't",
    "shouldnt": "shouldn't",
    "havent": "haven't",
    "hasnt": "hasn't",
    "thats": "that's",
    "whats": "what's",
    "theres": "there's",
    "lets": "let's",
    "youre": "you're",
    "theyre": "they're",
    "hes": "he's",
    "shes": "she's",
    "u": "you",
    "ur": "your",
    "alot": "a lot",
    "gonna": "going to",
    "wanna": "want to",
    "gotta": "got to",
    "cuz": "because",
    "pls": "please",
    "thx": "thanks",
    "tho": "though",
}
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")


def readable(text: str, rng: np.random.Generator) -> str | None:
    """The text as readable English; None where that cannot be had.

    Args:
        text: A comment or a sentence of a review, as its data set has it.
        rng: Draws the word that is put where a name was hidden.
    """
    if "[RELIGION]" in text or text.count(NAME_MASK) > 1:
        return None
    text = text.translate(_TYPOGRAPHIC).replace(NAME_MASK, str(rng.choice(ROLES)))
    if _UNWANTED.search(text):
        return None
    text = _punctuated(_spelled(_EMOJI.sub("", text)))
    return text if text and _is_clean(text) else None


def _spelled(text: str) -> str:
    def spelling(match: re.Match[str]) -> str:
        word = match[0]
        right = _SPELLINGS.get(word.lower()) if word != "ID" else None
        if right is None:
            return word
        return right[0].upper() + right[1:] if word[0].isupper() else right

    return re.sub(r"(?<![\w'])[A-Za-z]+(?![\w'])", spelling, text)


def _punctuated(text: str) -> str:
    """Spaces, capitals and the mark at the end, as an editor would set them."""
    text = re.sub(r"\s+([,.!?;:])", r"\1", re.sub(r"\s+", " ", text)).strip()
    text = re.sub(r"([!?])\1+", r"\1", re.sub(r"\.{4,}", "...", text))
    text = re.sub(r"^[^\w\"']+", "", text)
    text = re.sub(r"(^|[.!?]\s+)([a-z])", lambda m: m[1] + m[2].upper(), text)
    if text[-1:].isalnum():
        return f"{text}."
    return f"{text[:-1]}." if text[-1:] in {",", ";", ":", "-"} else text


def _is_clean(text: str) -> bool:
    if re.search(r"[^\x00-\x7fé–—]", text) or text.startswith('"'):
        return False
    if text.count('"') % 2 or text.count("(") != text.count(")"):
        return False
    words = _WORD.findall(text)
    if not FEWEST_WORDS <= len(words) <= MOST_WORDS:
        return False
    return not any(word.isupper() and len(word) > 1 for word in words) and not _rare(words)


def _rare(words: list[str]) -> bool:
    from wordfreq import zipf_frequency

    parts = {part for word in words for part in re.split(r"[-']", word) if len(part) > 1}
    return any(zipf_frequency(part, "en") < RAREST for part in parts)
