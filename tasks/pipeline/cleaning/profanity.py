"""Swear words of English, for a filter that is off unless asked for."""

_STEMS = """
arsehole asshat asshole bastard bitch bollock bullshit clusterfuck cocksucker crap cunt damn dick
dickhead dipshit douche douchebag dumbass fuck goddamn horseshit jackass motherfuck piss prick shit slut
twat wank whore
"""
_ENDINGS = ("", "s", "es", "ed", "er", "ers", "in", "in'", "ing", "y", "head", "heads", "ty", "tier", "ting")

PROFANITY = frozenset(stem + ending for stem in _STEMS.split() for ending in _ENDINGS) - {
    "pricked",
    "pricking",
}
"""Lower-case words. Mild ones ("crap", "damn") are included: the filter is for data that must be clean."""
