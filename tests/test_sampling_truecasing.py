"""Lower-case WordPiece texts read as people write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.pipeline.sampling.truecasing import restore_case

EXAMPLES = [
    ("i don ' t know , that ' s great ! [NAME] said so .", "I don't know, that's great! [NAME] said so."),
    ("[ name ] lit the [ religion ] candles .", "[NAME] lit the [RELIGION] candles."),
    ("[NAME] ' s soup was cold . i sent it back .", "[NAME]'s soup was cold. I sent it back."),
    ("she ' ll say i ' m late and i ' ve lost", "She'll say I'm late and I've lost"),
    ("it isn ’ t mine , i ’ d swear", "It isn’t mine, I’d swear"),
    ("the bus came . nobody got on", "The bus came. Nobody got on"),
    ("really ? ? yes ! !", "Really?? Yes!!"),
    ("what ? ! no", "What?! No"),
    ("wait . . . that was my tea", "Wait... that was my tea"),
    ("lovely shoes : )", "Lovely shoes :)"),
    ("missed the train again : (", "Missed the train again :("),
    ("list : ( one ) two", "List: (one) two"),
    ("so proud of you < 3", "So proud of you <3"),
    ("we won ! : d what a night", "We won! :D what a night"),
    ("maybe next year ; )", "Maybe next year ;)"),
    ("not sure : / ask later", "Not sure :/ ask later"),
    ("poor cat : ' (", "Poor cat :'("),
    ("nice ^ ^", "Nice ^^"),
    ("it cost $ 5 and 10 % was tax", "It cost $5 and 10% was tax"),
    ("a house for £ 250 , 000 . 50", "A house for £250,000.50"),
    ("pi is 3 . 14 and the room 2 . 5m wide", "Pi is 3.14 and the room 2.5m wide"),
    ("be there at 5 : 30 p . m . sharp", "Be there at 5:30 p.m. sharp"),
    ("open 24 / 7 and / or by phone", "Open 24/7 and/or by phone"),
    ("a well - known 20 - year - old pianist", "A well-known 20-year-old pianist"),
    ("good film - i cried", "Good film - I cried"),
    ("thanks - see you", "Thanks - see you"),
    ("soup - - the hot kind", "Soup -- the hot kind"),
    ('he said " hello there " and left .', 'He said "hello there" and left.'),
    ('" fine " , she wrote .', '"Fine", she wrote.'),
    ("they called it ' art ' .", "They called it 'art'."),
    ("my parents ' garden is wet", "My parents' garden is wet"),
    ("go get ' em , ' cause we can", "Go get 'em, 'cause we can"),
    ("y ' all love rock ' n ' roll", "Y'all love rock'n'roll"),
    ("( no idea . ) ok", "(No idea.) OK"),
    ("* sighs * again", "*Sighs* again"),
    ("mr . smith met dr . jones on monday", "Mr. Smith met Dr. Jones on Monday"),
    ("the u . s . team , i . e . ours", "The U.S. team, i.e. ours"),
    ("my tv showed the bbc in london", "My TV showed the BBC in London"),
    ("see r / cooking , # soup by @ cook", "See r/cooking, #soup by @cook"),
    ("great , thanks / s", "Great, thanks /s"),
    ("so good 👍🏻 ❤️ !", "So good 👍🏻 ❤️!"),
    ("", ""),
]


@pytest.mark.parametrize(("raw", "restored"), EXAMPLES)
def test_texts_get_their_case_and_spacing_back(raw, restored):
    assert restore_case(raw) == restored


@pytest.mark.parametrize("restored", [restored for _, restored in EXAMPLES])
def test_restoring_twice_is_restoring_once(restored):
    assert restore_case(restored) == restored


_PIECES = [
    *"\"'()[]{}*_~-.,;:!?/%$#@<>&+=^|\\",
    "i",
    "it",
    "s",
    "t",
    "don",
    "d",
    "p",
    "in",
    "name",
    "mr",
    "u",
    "5",
    "30",
]


@given(st.lists(st.sampled_from(_PIECES), max_size=12))
def test_any_row_of_marks_and_words_restores_to_itself(pieces):
    once = restore_case(" ".join(pieces))
    assert restore_case(once) == once
    assert "".join(once.split()).lower() == "".join(pieces)
