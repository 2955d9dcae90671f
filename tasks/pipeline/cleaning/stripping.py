"""What can be taken off a text without harm: wrappers that a language model puts around it.

Every step is a plain function from text to text; `strip` repeats them until nothing changes. Every regular
expression is anchored or bounded, so that the time grows linearly with the text whatever it contains.
"""

import ast
import html
import json
import re
import unicodedata
from collections.abc import Callable

from tasks.pipeline.cleaning.lists import holds_several

PASSES = 8
"""Wrappers within wrappers that are unwrapped: five were seen. What is still wrapped then is no text."""

_NOUN = (
    r"(?:(?:review|text|comment|sample|example|message|post|tweet|sentence|response|essay|paragraph|passage|output"
    r"|version|topic)s?|stor(?:y|ies)|repl(?:y|ies))"
)
_SPACES = re.compile(r"[^\S\n]{1,1000}")
_GAPS = re.compile(r"\s{0,1000}\n\s{0,1000}")
_TAG = re.compile(
    r"</?(?:p|br|div|span|b|i|u|em|strong|a|h[1-6]|[uo]l|li|img|table|tbody|t[rdh]|blockquote|code|pre|html|body|"
    r"head|script|style|hr|font|su[bp]|s|small|text|review|comment|output|answer)(?:\s[^<>]{0,500})?/?>"
    r"|<\|[a-z_]{1,30}\|>|<(?:start|end)_of_turn>|\[/?INST\]",
    re.IGNORECASE,
)
_THOUGHT = re.compile(
    r"<\|?(/?)(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad|analysis|planning)\|?>",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^\s{0,50}(?:```|~~~)[\w+-]{0,20}[^\S\n]{0,20}\n?|\n?(?:```|~~~)\s{0,50}$")
_EMPHASIS = re.compile(r"(\*\*\*|\*\*|__|\*|`)(?=\S)([^*_`\n]{1,1000}?)(?<=\S)\1")
# The 1) of "1) it died and 2) nobody answers" belongs to the text.
_BLOCK_MARK = re.compile(r"^(?!1\)[^\n]{1,300}\b2\))(?:#{1,6}|[-*•]|>{1,3}|\d[.)])\s{1,10}(?=\S)")
_ROLE = re.compile(
    rf"^\W{{0,4}}(?:(?:generated|sample|example|new|your|my|the)\s)?(?:{_NOUN}|assistant|user|human|ai|bot"
    r"|system|(?:final )?answer|draft|final (?:text|version)|title|subject|headline|heading)"
    r"(?:\s#?\d{1,3})?[*_]{0,3}:[\s*_]{0,4}(?=[\w\"“'‘(\[])",
    re.IGNORECASE,
)
_BRACKET = re.compile(rf"^\[{_NOUN}\]\s{{1,10}}(?=\S)", re.IGNORECASE)
_ASSENT = (
    r"(?:sure(?: thing)?|certainly|okay|ok|of course|absolutely|great|alright|all right|no problem|got it|yes"
    r"|understood|(?:i(?:'d|’d| would) be )?(?:happy|glad) to(?: help)?|thank(?:s| you) for\b[^\n.!?:]{0,40}"
    r"|as requested)"
)
_HERE = r"(?:here(?:'s|’s| is| are| you go| goes| it is)|below (?:is|are))"
_OFFER = rf"(?:{_HERE}|i(?:'ll|’ll| will| can| have|'ve|’ve)|this is|let me|as requested)"
_COLON = r":(?=\s|[\"“*]|$)"  # a colon that introduces, unlike those of ":)", "10:30" and "https://"
_LINE_END = r"(?:(?<!\s):|[.!])?[^\S\n]{0,10}\n"
_PREAMBLE = re.compile(
    rf"^\W{{0,4}}(?:{_ASSENT}\b[^\n:]{{0,60}}?\b{_OFFER}\b"
    rf"(?:[^\n:]{{0,160}}{_LINE_END}|(?:(?<=you go)|(?<=goes)|(?<=it is)| {{1,3}}one){_COLON}"
    rf"|[^\n:]{{0,80}}\b(?:{_NOUN}|you|your|attempt|try)\b[^\n:]{{0,80}}(?<!\s){_COLON})"
    rf"|{_HERE}\b[^\n:]{{0,80}}\b{_NOUN}\b[^\n:]{{0,120}}(?:(?<!\s){_COLON}|{_LINE_END})"
    rf"|(?:{_ASSENT}\b\W{{1,3}})?(?:{_HERE}(?: one| another)?(?: for you)?"
    r"(?:(?<=one)|(?<=another)|(?<=you)|(?<=you go)|(?<=goes)|(?<=it is))"
    rf"|how about(?: this| one| this one)?){_COLON}|{_ASSENT}{_COLON}"
    rf"|(?:the following|this) is an? (?:[\w-]{{1,15}} ){{0,4}}{_NOUN}\b[^\n:]{{0,80}}(?<!\s): {{0,9}}\n)"
    r"\s{0,50}",
    re.IGNORECASE,
)
_TOPIC = re.compile(
    r"^\W{0,4}(?:the|my|your|our)\s(?:random(?:ly chosen)?|chosen|selected|given)?\s?"
    r"(?:topic|subject|theme)\s(?:is|will be)\b[^\n.!?]{0,200}(?:[.!?]{1,5}[\"”’*]{0,4}|\n)\s{0,50}",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r"(?:\b(?:however|now|but|next)?,?\s?please (?:provide|specify|enter|choose|give)\b[^\n.!?:]{0,80}"
    r"\b(?:writing style|topic|prompt|instructions?)\b"
    r"|\*\*\s?(?:topic|writing style|style|tone|sentiment|word count)\s?:)",
    re.IGNORECASE,
)
_OUTRO = re.compile(
    r"\n\W{0,4}(?:let me know if|i hope (?:this|that) (?:helps|meets)|would you like me to"
    r"|feel free to (?:ask|let|adjust|change|edit|modify|use|tweak)"
    rf"|\(?this {_NOUN} (?:reflects|captures|conveys|expresses|aims|is (?:written|meant|intended))"
    r"|is there anything else|(?:note|word count|sentiment|tone|label|explanation)\s?:"
    r"|\(?(?:word count|\d{1,4} words)\b)[\s\S]{0,600}$",
    re.IGNORECASE,
)
_QUOTED_TITLE = re.compile(r"^(?:[“\"]{2,3})([^“”\"\n]{1,120})(?:[”\"]{2,3})\s{1,20}(?=\S)")
_LINE_TITLE = re.compile(r"^(?=[A-Z#*\"“])([^\n.!?;,]{1,100})\n(?:={3,100}\n)?\s{0,20}(?=\S)")
_SAME_LINE_OUTRO = re.compile(
    r"(?<=[.!?\"”*])\s{1,10}(?:(?:let me know if you(?:'d|’d| would)? (?:like|want|need|prefer)"
    r"|would you like|feel free to (?:ask|let)|i can write)\b[^\n]{0,60}"
    r"\b(?:examples?|texts?|versions?|options?|variations?|adjust\w*|edits?|another|shorter|longer)\b[^\n]{0,60}"
    r"|feel free to (?:adjust|change|edit|modify|tweak) (?:it|this|the \w{1,12})\b[^\n]{0,60}"
    r"|\((?:note|word count|sentiment|tone|label|explanation)\s?:[^()\n]{0,200}\)"
    r"|\[end(?: of [^\]\n]{1,30})?\])$",
    re.IGNORECASE,
)
_SYSTEM = re.compile(r"<<SYS>>[\s\S]{0,4000}?<</SYS>>", re.IGNORECASE)
_TEXT_END = re.compile(r"(?<=\S)\s{0,20}(?:<\|(?:endoftext|im_end|eot_id)\|>|</s>|<end_of_turn>)[\s\S]*$")
_NEXT_TURN = re.compile(
    r"(?<=\S)\n\s{0,20}"
    r"(?:(?:user|human|assistant)(?:\s?:|\s{0,5}\n)|#{2,4} (?:user|human|instruction|input)\b)"
    r"[\s\S]*$",
    re.IGNORECASE,
)
_FIRST_TURN = re.compile(
    r"^\s{0,50}(?:human|user)(?:\s?:|\s{0,5}\n)[^\n]{0,400}\n\s{0,20}(?:assistant|ai)(?:\s?:|\s{0,5}\n)\s{0,20}",
    re.IGNORECASE,
)
_INSTRUCTION = re.compile(r"^\s{0,50}\[INST\][\s\S]{0,4000}?\[/INST\]\s{0,50}", re.IGNORECASE)
_CHAT_ROLE = re.compile(
    r"^\s{0,50}(?:(?i:assistant|user|system|model)\s{0,5}\n\s{0,50}(?=\S)|assistant\s{1,5}(?=[A-Z\"“]))"
)
_SETTINGS = re.compile(
    r"^(?:\W{0,4}(?:topic|style|label|emotion|sentiment|tone|length)s?\s?:[^\n]{1,80}\n\s{0,5}){1,4}"
    rf"(?=\W{{0,4}}(?!topic){_NOUN}\s?:)",
    re.IGNORECASE,
)
_JSON_FIELDS = ("text", "comment", "review", "message", "content", "output", "response")
_FIELD_LINE = re.compile(r"^(?:emotion|sentiment|label|topic|style|tone|task|length)s?\s?:", re.IGNORECASE)
_APOSTROPHE = re.compile(r"(?<=\w)['’](?=\w)")
_LONE_QUOTE = re.compile(r'^["“”]([^"“”]*)$|^([^"“”]*)(?<!\d)["“”]$')  # behind a figure it means inches
_QUOTES = {'"': '"', "“": "”", "‘": "’", "'": "'", "«": "»", "„": "“", "`": "`"}
_NO_TEXT = {"Cc", "Cs", "Co", "Cn"}


def without_controls(text: str) -> str:
    """Text without control characters, surrogates and private signs; line breaks stay."""
    if text.isprintable():
        return text
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in _NO_TEXT)


def without_thoughts(text: str) -> str:
    """Text without `<think>` blocks and their kin; an unclosed one hides all that follows."""
    if "<" not in text:
        return text
    kept, start, opened, inside = list[str](), 0, False, False
    for mark in _THOUGHT.finditer(text):
        if mark[1] and not opened:
            kept.clear()  # the prompt held the opening tag
        elif not inside:
            kept.append(text[start : mark.start()])
        inside, opened, start = not mark[1], opened or not mark[1], mark.end()
    return "".join(kept) if inside else "".join(kept) + text[start:]


def without_tags(text: str) -> str:
    """Text without HTML tags and marks of chat templates, and with its entities decoded once."""
    if "&" in text:
        text = html.unescape(text)
    if "[" in text:
        text = _INSTRUCTION.sub("", text)
    if "<" in text:
        text = _TEXT_END.sub("", _SYSTEM.sub("", text))
    return _TAG.sub(" ", text) if "<" in text or "INST]" in text else text


def without_json(text: str) -> str:
    """The one text inside JSON or a Python literal, such as `{"text": "...", "label": "refund"}`."""
    if text[:1] + text[-1:] not in ("{}", "[]"):
        return text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return text
    return _only_text(found) or text


def _only_text(found: object) -> str | None:
    """The text of a value that holds one; None where it holds none, or several."""
    if isinstance(found, str):
        return found
    if isinstance(found, list) and len(found) == 1:
        return _only_text(found[0])
    if not isinstance(found, dict):
        return None
    if inner := next((found[key] for key in _JSON_FIELDS if isinstance(found.get(key), str)), None):
        return str(inner)
    texts = [_only_text(value) or "" for value in found.values()]
    long = [text for text in texts if len(text.split()) > 2]  # shorter values are labels
    return long[0] if len(long) == 1 else None


def without_markdown(text: str) -> str:
    """Text without fences and emphasis."""
    if "```" in text or "~~~" in text:
        text = _FENCE.sub("", text)
    if "*" in text or "_" in text or "`" in text:
        text = _EMPHASIS.sub(r"\2", text)
    return text


def without_mark(text: str) -> str:
    """Text without the mark of a heading, bullet, number or quotation, and without "Review:"."""
    text = _SETTINGS.sub("", _CHAT_ROLE.sub("", text))
    return _ROLE.sub("", _BRACKET.sub("", _BLOCK_MARK.sub("", text, count=1), count=1), count=1)


def without_preamble(text: str) -> str:
    """Text without "Sure, here is a review:" and "The random topic is: ..."."""
    return _TOPIC.sub("", _PREAMBLE.sub("", _FIRST_TURN.sub("", text), count=1), count=1)


def without_request(text: str) -> str:
    """Text without what a model asks or tells its user after it."""
    asked = _REQUEST.search(text)
    if asked:
        text = text[: asked.start()]
    text = _SAME_LINE_OUTRO.sub("", text)
    if "\n" in text:
        text = _NEXT_TURN.sub("", text)
    return _OUTRO.sub("", text) if "\n" in text else text


def without_title(text: str) -> str:
    """Text without a title in doubled quotes or on a line of its own; what follows must be longer."""
    if holds_several(text):  # "Comment 1" above the first of two is no title
        return text
    for pattern in (_QUOTED_TITLE, _LINE_TITLE):
        title = pattern.match(text)
        if title and len(text) - title.end() > 2 * len(title[1]) and _is_title(title[1]):
            return text[title.end() :]
    return text


def _is_title(line: str) -> bool:
    """Whether the longer words of a line are capitalised, or it is marked as a heading."""
    if _FIELD_LINE.match(line):
        return False
    longer = [word for word in line.split() if len(word) > 3] or line.split()
    return line[:1] in '#*“"' or sum(word[:1].isupper() for word in longer) > 0.5 * len(longer)


def without_quotes(text: str) -> str:
    """Text without quotation marks around the whole of it, and without one at an end that has no other."""
    text = _LONE_QUOTE.sub(r"\1\2", text)
    closing = _QUOTES.get(text[:1])
    if len(text) < 3 or closing is None or text[-1] != closing:
        return text
    inner = text[1:-1]
    doubled = inner[0] == text[0] and inner[-1] == closing
    bare = _APOSTROPHE.sub("", inner)
    return inner if doubled or (text[0] not in bare and closing not in bare) else text


def tidy(text: str) -> str:
    """Text with single spaces and single line breaks."""
    return _GAPS.sub("\n", _SPACES.sub(" ", text)).strip()


STEPS: tuple[Callable[[str], str], ...] = (
    without_thoughts,
    without_tags,
    without_markdown,
    tidy,
    without_json,
    without_preamble,
    without_request,
    without_title,
    without_quotes,
    tidy,
)


def without_echo(text: str, prompt: str) -> str:
    """Text without its prompt or the last line of its prompt at the beginning."""
    for echo in (prompt.strip(), prompt.strip().rpartition("\n")[2].strip()):
        if len(echo) >= 8 and text.lstrip().lower().startswith(echo.lower()):
            return text.lstrip()[len(echo) :].lstrip(" :\n-")
    return text


def strip(text: str, prompt: str = "") -> str:
    """Take off a text what was put around it.

    Args:
        text: Any text.
        prompt: The prompt that it was written for; repeated at the beginning, it is taken off.

    Returns:
        The text within; empty where `PASSES` did not reach it. `strip(strip(x)) == strip(x)`.
    """
    text = without_controls(text)
    for _ in range(PASSES):
        before = text
        text = _unwrapped(without_echo(text, prompt) if prompt else text)
        if text == before:
            return text
    return ""


def _unwrapped(text: str) -> str:
    """Text after one pass of every step."""
    for step in STEPS:
        text = step(text)
    # The marks of a list stay: it is rejected by them.
    return text if holds_several(text) else without_mark(text)
