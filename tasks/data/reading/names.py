"""Names that columns, splits and files usually have."""

import re

TEXT = (
    "text,sentence,review,review text,reviewtext,comment,comment text,content,message,tweet,tweet text,body,"
    "utterance,document,post,feedback,verbatim,description,query,question,response,phrase,passage,title,"
    "headline,summary,input,data"
).split(",")
LABELS = (
    "label text,label name,label names,labels,label,categories,category,cats,classes,class,class name,"
    "emotions,emotion,sentiment,intents,intent,tags,tag,topics,topic,choices,choice,annotation,polarity,"
    "stars,star rating,star,rating,ratings,review rating,overall,score,target,targets,y"
).split(",")
SPLITS = "split,partition,subset,set,fold,dataset split".split(",")
IDS = (
    "sentimill id,id,uid,guid,key,idx,index,comment id,tweet id,example id,sentence id,record id,unnamed: 0"
).split(",")
RATERS = "rater id,rater,annotator,annotator id,annotator ids,worker id,worker".split(",")
UNCLEAR = "example very unclear"
STARS = "stars,star,star rating,rating,ratings,review rating,overall,score".split(",")
SCORES = "score,scores,rating,sentiment,polarity,target,label".split(",")
META = (UNCLEAR, "weight", "level", "seed", "round", "created utc", "was cancelled")
"""Columns of numbers that are no labels."""

SPLIT_WORDS = {
    "train": "train training",
    "validation": "validation valid val dev development",
    "test": "test testing eval evaluation heldout gold",
}
_SPLIT_OF = {word: split for split, words in SPLIT_WORDS.items() for word in words.split()}


def normal(name: object) -> str:
    """A name in lower case, blanks for what is neither letter nor digit: `Review_Text` -> `review text`."""
    return re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(name))).strip().casefold()


_KNOWN = frozenset(normal(name) for name in (*TEXT, *LABELS, *SPLITS, *IDS, *RATERS, UNCLEAR))


def is_known(name: str) -> bool:
    """Whether a column is often called so."""
    return normal(name) in _KNOWN


def split_of(word: str) -> str | None:
    """`train`, `validation` or `test` for the usual names of a split."""
    return _SPLIT_OF.get(word.strip().casefold())


def split_in(stem: str) -> str | None:
    """Split that a file's name speaks of, such as `test` in `2018-E-c-En-test-gold`."""
    found = [split for word in re.split(r"[\W_]+", stem) if (split := split_of(word))]
    return found[0] if found else None
