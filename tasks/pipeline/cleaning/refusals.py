"""Whether the model talks about its task: it declines, or repeats what was asked of it.

Each search is preceded by a look at the words of the text, which spares nine texts in ten the expressions.
"""

import re
from collections.abc import Collection, Sequence
from functools import lru_cache

from tasks.data.language import words_of

HEAD = 160
"""Characters at the beginning in which a refusal counts: further on, people say the same words."""

_NOT = (
    r"(?:can(?:'t|’t|not| not)(?: and (?:will not|won(?:'|’)t))?|(?:'m |’m | am )?(?:unable|not able) to"
    r"|(?:won(?:'t|’t)|will not)(?: be(?: able to)?)?|must (?:\w{1,12} )?(?:decline|refuse)(?: to)?)"
)
_DO = (
    r"(?:assist|help with|fulfil+|generat|creat|comply|produc|writ|provid|continue with|engage in|participat)"
)
_ASKED = (
    r"(?:requests?|contents?|texts?|reviews?|comments?|messages?|insults?|materials?|prompts?|something"
    r"|(?:that|this)(?! \w{1,15}\b(?<!kind)(?<!sort)(?<!type)))"
)
_MACHINE = (
    r"(?:ai\b|artificial intelligence|(?:large )?language model|virtual assistant|computer program|chat ?bot)"
)
_PEOPLE = (
    r"(?:researcher|engineer|scientist|student|developer|expert|enthusiast|fan|user|skeptic|company|startup)"
)
_REFUSAL = re.compile(
    rf"\b(?:as|being) an? {_MACHINE}(?! {_PEOPLE})"
    rf"|\bi(?:'m|’m| am) (?:just |only )?an? {_MACHINE}"
    r"|\bi (?:do not|don(?:'|’)t) have personal (?:experiences?|opinions?|feelings?|emotions?)"
    rf"|\bnot (?:feel )?comfortable (?:with )?{_DO}|n(?:'|’)t feel comfortable (?:with )?{_DO}"
    rf"|\bnot (?:be )?appropriate for me to {_DO}"
    r"|\bmy guidelines (?:do|don|prohibit|prevent|forbid)"
    r"|\bi(?:'m|’m| am) (?:very |so |really )?sorry,? (?:but|however)\b.{0,40}?"
    rf"(?:\b|(?<=i)){_NOT} (?:to )?(?:{_DO}|help|do that)"
    rf"|\b(?:i|we) ?{_NOT} {_DO}\w{{0,3}}\b.{{0,40}}?\b{_ASKED}\b"
    r"|\b(?:against|violates?) (?:my|our|the|open ?ai(?:'|’)s) (?:\w{1,12} )?(?:guidelines|programming|polic)"
    r"|\bi apologi[sz]e,? but (?:i|as)\b"
    rf"|\bi(?:'m|’m| am) not going to {_DO}\w{{0,3}}\b.{{0,40}}?\b{_ASKED}\b"
    r"|\bhere(?:'s|’s| is) an? (?:milder|gentler|softer|safer|kinder|toned[- ]down|(?:more|less) \w{1,15})"
    r" (?:version|one|alternative|text|comment|message)\b"
    r"|\binstead of (?:an? )?(?:\w{1,12} )?(?:contents?|insults?|hate speech),? i (?:can|will|could)\b",
    re.IGNORECASE,
)
_REFUSAL_WORDS = """
ai artificial assistant model sorry cannot can't can unable able won't not decline refuse guidelines
programming policy policies apologize apologise comfortable appropriate personal computer must chatbot
instead here's
"""
_TONES = r"(?:positive|negative|neutral|mixed|joyful|angry|sad|happy|sarcastic|critical)"
_DEGREES = r"(?:very|somewhat|slightly|moderately|strongly|mostly|overall|extremely)"
_TEXTS = r"(?:(?:review|comment|text|message|sentence|example|sample|tweet|paragraph|essay|post|ticket)s?)"
_VERBS = r"(?:express|convey|show|reflect|demonstrat|display|captur|exhibit|evok)(?:s|es|ing|ed|e)?"
_FIELD = r"(?:sentiment|tone|emotions?|labels?|level|stance|polarity)"
_NUMBER = r"(?:an?|the|another|\d{1,3}|one|two|three|five|ten)"
_TASK = r"(?:word count|writing style|target label|random topic|the (?:prompt|given topic|topic given))"
_SETTING = r"(?:topic|style|length|emotion|tone|label|sentiment|writing style)"
_ECHO = re.compile(
    rf"\b(?:in|with) an? (?:\w{{1,12}} )?{_TONES} (?:tone|sentiment|voice|style)\b"
    rf"|\b{_VERBS} (?:an? |the )?(?:\w{{1,12}} )?(?:{_TONES} )?"
    r"(?:sentiments?|(?:emotions?|feelings?|tone) of)\b"
    rf"|\b{_DEGREES} {_TONES} (?:tone|sentiment|{_TEXTS}|level|rating|emotions?)\b"
    rf"|\b{_FIELD}\s?[:=] {{0,2}}\W{{0,3}}(?:{_DEGREES} )?(?:{_TONES}|\d\b)"
    rf"|\b(?:write|generate|compose|produce|create|provide) (?:me )?{_NUMBER} (?:[\w-]{{1,15}},? ){{0,4}}?"
    rf"{_TEXTS}\b"
    r".{0,40}?\b(?:about|that|which|with|in|expressing|on|from|of)\b"
    rf"|\b(?:{_TASK}|(?:your|these|the) instructions?)\b\s?"
    r"(?:(?:is|are|was|were|asks?|says|below|above)\b|:|and topic)"
    r"|\bplease (?:provide|specify) (?:the |a |your )?(?:writing style|topic|prompt|label|text|sentiment)\b"
    rf"|\b{_FIELD} of (?:this|the) {_TEXTS} (?:is|should|must)\b"
    rf"|\b(?:this|the) {_TEXTS} (?:should|must) (?:not )?(?:be in|{_VERBS}|contain|sound|carry|mention)\b"
    rf"|\bexample of an? {_TEXTS} (?:that|which|with)\b|^an? {_TONES} {_TEXTS} (?:about|on)\b"
    rf"|\bfictional {_TEXTS}\b|\bfor training purposes\b|\byour task is\b"
    r"|(?:^|\n)\W{0,4}(?:task|instructions?)\s?:|\boutput only\b"
    r"|\b(?:do not|don(?:'|’)t) (?:mention|name|include|use) the (?:label|prompt|topic|emotion|sentiment)\b"
    r"|\bkeep it (?:under|below|within|between) [\w ]{1,20} (?:words|sentences|characters)\b"
    rf"|\brating\s?: ?{_DEGREES} {_TONES}"
    rf"|(?:^|[\n.;,|] ?)\W{{0,4}}{_SETTING}\s?:[^\n]{{1,60}}[\n.;,|]\s?\W{{0,4}}{_SETTING}\s?:",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"\[(?:\w[\w'’]{0,15} ){1,3}(?:name|here|date|day)\]"
    r"|\b(?:dear|hi|hello|hey|sincerely|regards|from|to),? {0,3}\n?\[(?!NAME\])[A-Za-z][A-Za-z '’]{0,30}\]"
    r"|\[(?:insert|your|topic|product|company|restaurant|movie|hotel|city|place|date)"
    r"(?: \w{1,12}){0,3}\](?!\()",
    re.IGNORECASE,
)
_SLOT = re.compile(
    # [NAME] and [RELIGION] are how GoEmotions masks, and what a generator that learnt from it writes.
    r"\[(?!(?:NAME|RELIGION|sic)\])[A-Za-z_][\w '’/-]{0,40}\](?!\()|\{\{?\s?[A-Za-z_][\w ]{1,30}\}|"
    r"<(?:(?:insert|your|the) )?(?:\w{1,12} )?(?:name|store|company|product|brand|hotel|city|place"
    r"|customer)>|"
    r"\b(?:XYZ|ABC) (?:[Ss]tore|[Cc]ompany|[Cc]orp|[Hh]otel|[Ii]nc|[Rr]estaurant|[Pp]roduct)\b"
)
"""What stands for a word that was to be filled in; of texts that a generator was asked for."""
_REQUEST_LINE = re.compile(r"^Write one (?:short |medium |long )?([^.\n]{3,80})\.")
_ECHO_WORDS = """
ticket tickets
tone sentiment sentiments voice style emotion emotions feeling feelings review reviews comment comments
text texts message messages sentence sentences example examples sample samples tweet tweets paragraph
paragraphs essay essays post posts level rating label labels stance polarity writing target topic prompt
instructions instruction word sense category task output style length emotion keep fictional training
writer speaker author narrator mention
"""
_TELL_REFUSAL = frozenset(_REFUSAL_WORDS.split())
_TELL_ECHO = frozenset(_ECHO_WORDS.split())


def is_refusal(text: str, words: Collection[str]) -> bool:
    """Whether the model declines instead of writing; "I'm sorry" alone is genuine remorse."""
    return not _TELL_REFUSAL.isdisjoint(words) and bool(_REFUSAL.search(text[:HEAD]))


@lru_cache(maxsize=4_096)
def _label_echo(labels: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(re.escape(label.replace("_", " ")) for label in labels)
    return re.compile(
        rf"\b{_VERBS} (?:an? |the |some )?(?:\w{{1,12}} )?(?:feeling|sense|sentiment|emotion)s? "
        rf"(?:of )?(?:{names})\b"
        rf"|\b(?:the )?(?:writer|speaker|author|narrator) {_VERBS} (?:\w{{1,12}} )?(?:{names})\b"
        rf"|\b(?:{_FIELD}|feeling|category)\s?(?::|is|=) {{0,2}}\W{{0,3}}(?:{names})\b"
        rf"|\b(?:{names}) (?:tone|sentiment|label|category)\b",
        re.IGNORECASE,
    )


def is_instruction_echo(text: str, words: Collection[str], labels: Sequence[str], prompt: str = "") -> bool:
    """Whether a text repeats what was asked of the model instead of answering it.

    Args:
        text: A stripped text.
        words: Its lower-case words.
        labels: Names of the labels that were asked for: "a text of joy" echoes only where joy was asked.
        prompt: What it was asked with; "a review about films" echoes "Write one review about films."
    """
    asked = _REQUEST_LINE.match(prompt)
    if asked and " about " in asked[1] and asked[1].lower() in text.lower():
        return True
    if _TELL_ECHO.isdisjoint(words):
        return False
    return bool(_ECHO.search(text)) or bool(labels and _label_echo(tuple(labels)).search(text))


def has_placeholder(text: str, prompt: str) -> bool:
    """Whether something was to be filled in: "[insert name]", "Dear [Author]".

    Args:
        text: A stripped text.
        prompt: What it was asked with; empty for a text that nobody asked for, whose brackets may be its own.
    """
    return bool(_PLACEHOLDER.search(text)) or bool(prompt and _SLOT.search(text))


def is_json(text: str) -> bool:
    """Whether a text is a data structure, or the beginning of one, of which no text could be taken."""
    return bool(_JSON.match(text))


_JSON = re.compile(r"[\[{]\s{0,20}(?:[\[{]\s{0,20})?[\"'“]|[\"'“]\w{1,20}[\"'”]\s?:\s?[\"'“\[{]")
_REASONING = re.compile(
    r"^\W{0,4}(?:thinking|thoughts?|reasoning|analysis|plan)\s?:"
    rf"|\bwe (?:need|have) to (?:write|generate|produce|craft) (?:an?|one|the)"
    rf" (?:[\w-]{{1,15}} ){{0,3}}?{_TEXTS}\b"
    r"|\bi (?:should|will|need to|have to|must|could) (?:make it sound|think about (?:what|how) an?"
    r"|keep (?:it|this) (?:short|simple|brief|casual|natural|realistic))\b"
    r"|\b(?:the user (?:wants|asks|asked|is asking|needs|said)"
    r"|i (?:need|have) to (?:write|generate|produce|come up)"
    r"|i(?:'ll|’ll| will| should| must) (?:write|generate|draft|produce) (?:a|an|one|the|this|something)\b"
    r"|let me (?:think|draft|try|write|brainstorm)\b"
    r"|the (?:prompt|task|request) (?:asks|says|wants|requires))",
    re.IGNORECASE,
)
_DIALOGUE = re.compile(
    r"^\W{0,4}(?:input|prompt|question|q)\s?:[\s\S]{1,1000}?\b(?:output|answer|a)\s?:", re.IGNORECASE
)
_WRITER = re.compile(
    r"^\W{0,3}(?:the|this) (?:writer|speaker|narrator|commenter|poster)(?: \w{1,15}s\b|(?:'|’)s\b)"
    r"|^\W{0,3}(?:the|this) (?:customer|guest|user|buyer|text|comment|message|review|post) "
    r"(?:wants|asks|requests|needs|expresses|conveys|shows|describes|mentions|feels|likes|dislikes"
    r"|is (?:asking|requesting|expressing))\b",
    re.IGNORECASE,
)
_ITEM = re.compile(r"^- (.+)$", re.MULTILINE)
ECHO_RUN = 3
"""Words in a row that a text may not share with the meaning of a label in its prompt."""


def is_reasoning(text: str) -> bool:
    """Whether the model thinks aloud about its task at the beginning."""
    return bool(_REASONING.search(text[:HEAD]))


def is_dialogue(text: str) -> bool:
    """Whether the text is an example of a task with its answer: "Input: ... Output: ..."."""
    return bool(_DIALOGUE.match(text))


def is_meaning_echo(text: str, words: Sequence[str], prompt: str, labels: Sequence[str]) -> bool:
    """Whether a text says what its label means instead of showing it.

    Args:
        text: A stripped text.
        words: Its lower-case words.
        prompt: What it was asked with; label lines begin with "- ".
        labels: Names of its labels.
    """
    if _WRITER.search(text) or (labels and _mode(tuple(labels)).search(text)):
        return True
    runs = {run for item in _ITEM.findall(prompt) for run in _runs(words_of(item))}
    return bool(runs) and not runs.isdisjoint(_runs(words))


def _runs(words: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(words[i : i + ECHO_RUN]) for i in range(len(words) - ECHO_RUN + 1)}


@lru_cache(maxsize=4_096)
def _mode(labels: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(re.escape(label.replace("_", " ")) for label in labels)
    return re.compile(
        rf"^\W{{0,3}}(?:in|with) (?:an? )?(?:{names}) (?:mode|mood|style|voice)\b"
        rf"|^\W{{0,3}}(?:it|(?:this|my|the)(?: \w{{1,12}})?) {_VERBS} (?:an? |the )?(?:{names})\b"
        rf"|\b(?:this|the) {_TEXTS} {_VERBS} (?:an? |the )?(?:{names})\b"
        rf"|^\W{{0,3}}(?:(?:i am|i'm|i’m) )?(?:expressing|showing|conveying) (?:an? |my |the )?(?:{names})\b"
        rf"|^\W{{0,3}}(?:as|this is|here is|here's|here’s) an? (?:{names}) (?:request|{_TEXTS})\b"
        rf"|^\W{{0,3}}(?:{names})(?:\s?[:(]|\) | [-–—] )|\((?:{names})\)\W{{0,2}}$",
        re.IGNORECASE,
    )
