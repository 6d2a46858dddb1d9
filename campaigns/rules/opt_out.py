"""What somebody means who writes to us: above all, whether she wants no more of it (docs/rules.md, opt-outs)."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

Meaning = Literal["opt_out", "wrong", "help", "ask", "start", "reply"]

# A message of one of these, alone, said twice, or with some polite words around it.
WORDS: Final = frozenset(
    {
        "stop", "stopall", "stop all", "stop2quit", "stop to quit", "stop2end", "stop to end", "stop it", "end", "quit",
        "cancel", "unsubscribe", "unsub", "revoke", "optout", "opt out", "opt me out", "remove", "remove me", "no mas",
        "no more", "alto", "pare", "baja", "arret", "basta", "fin", "cancelar", "detener", "s t o p",
    }
)  # fmt: skip
POLITE: Final = frozenset(
    {
        "please", "pls", "plz", "thanks", "thank", "you", "thx", "ty", "now", "ok", "okay", "hey", "hi", "hello", "sir",
        "maam", "just", "kindly", "right", "away", "immediately", "asap", "this", "these", "me", "us", "all", "texts",
        "messages", "por", "favor", "gracias", "ya", "hola",
    }
)  # fmt: skip
MOST_POLITE: Final = 4
START: Final = frozenset({"start", "unstop"})
HELP: Final = frozenset({"help", "info", "ayuda"})
REPEATED: Final = re.compile(r"\b(\w+(?: \w+)?)(?: \1)+\b")
APOSTROPHES: Final = dict.fromkeys(map(ord, "'’‘`´ʼ＇"))

_CONTACT = (
    r"(?:text|texts|texting|txt|txts|txting|call|calls|calling|contact|contacting|message|messages|messaging|msg|email|emails|"
    r"emailing|write|writing|bother|bothering|spam|spamming|sending)"
)
_FILLERS = (
    r"(?:(?:with|the|these|this|those|your|ur|all|of|any|me|us|sending|making|trying|to|damn|fucking|freaking|please) )"
)
_NOT = r"(?:dont|do not|never|no longer)"
_THINGS = (
    r"(?:texts?|txts?|messages?|msgs?|emails?|mails?|mailings?|letters?|offers?|junk|spam|crap|solicitations?|"
    r"correspondence|communications?)"
)
_LIST = r"(?:lists?|database|system|records|files)"
_WHOM = (
    r"(?:me|us|my (?:number|phone|cell|house|wife|husband|mother|father|mom|dad|family)|this (?:number|phone|cell)|"
    r"here|again|anymore|any more)"
)
_TIME = (
    r"(?! (?:\w+ ){0,3}?(?:before|after|until|till|at (?!this|my|me|all|once)|between|"
    r"during|on (?!this|my)|today|tonight|tomorrow|while|when|so early|"
    r"so late|this (?:morning|week|afternoon|evening|early|late)|early|late)\b)"
)
_TERMS = r"(?! (?:\w+ ){0,2}?(?:if|unless|just|text|email|instead|right now|in the)\b)"
_ONE_OR_TWO = rf"{_CONTACT}(?: (?:or|and|nor) (?:ever )?{_CONTACT})*"  # "text or call"
# Spanish: what is asked not to be done (llame, escriban, mandes), not what somebody did (llamó).
_LLAME = (
    r"(?:(?:llam|mand|molest|contact|envi|text)(?:e|en|es|ar|arme|arnos|ee|een|ear)|escrib(?:a|an|as|ir|irme|irnos)|"
    r"(?:marqu|busqu)(?:e|en|es)|marcar|buscar)"
)
_LLAMAR = r"(?:llam|escrib|mand|envi|contact|molest|text|marc|busc|insist|chinga|fregar|joder)\w*"
_A_VECES = r"(?! (?:\w+ ){0,2}?(?:antes|despues|hasta|hoy|manana|ahora|ahorita|mientras|cuando|tan|en el trabajo)\b)"

OPT_OUT: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<!non )\b(?:stop|quit|cease|no more) {_FILLERS}{{0,3}}?{_CONTACT}\b{_TIME}",
        rf"\b{_NOT} (?:ever |you |please )*{_ONE_OR_TWO} (?:to )?{_WHOM}\b{_TIME}{_TERMS}",
        rf"\b{_NOT} (?:ever )?{_ONE_OR_TWO} (?:\w+ ){{0,2}}again\b",
        rf"^(?:please )?{_NOT} (?:ever )?{_ONE_OR_TWO}(?: please| thanks| thank you)?$",
        # not today, and at no other time either
        rf"\b(?:{_NOT}|stop|quit) (?:ever |you |please )*{_CONTACT}\b.*\b(?:any other (?:day|time)|(?:all|any) other "
        r"times|at all|ever again|forever|for good|not now)\b",
        r"\b(?:dont|do not|no longer|never) (?:want|wish|care|need|like) (?:to (?:be|get|receive|have)|any|your|these|"
        r"those|more|further|unsolicited)(?: \w+){0,3}? (?:contact|text|call|messag|email|solicit|spam|communicat)\w*\b"
        rf"{_TIME}{_TERMS}",
        rf"\b(?:dont|do not|no longer) (?:want|wish) (?:you|u|yall|anyone|anybody|people) (?:to )?{_ONE_OR_TWO} "
        rf"(?:to )?{_WHOM}\b{_TIME}{_TERMS}",
        r"\b(?:dont|do not|no longer|never) (?:want|wish|care|need) to (?:ever )?hear from (?:you|u|yall|your)\b",
        r"\bno (?:further|additional|future|other) (?:contact|communication|text|call|message|email|solicitation|"
        r"correspondence)\w*\b",
        r"\bcease (?:all |any |further )*(?:communication|contact|solicit|correspond)\w*\b",
        # "do not send me any more e-mails"; not "don't send your offer yet"
        rf"\b{_NOT} (?:ever |you |please )*send (?:me |us )?(?:any(?: ?more)?|more|further|other|another|"
        rf"these|those|this|such|unsolicited)(?: \w+){{0,2}}? {_THINGS}\b{_TIME}{_TERMS}",
        rf"\b{_NOT} (?:ever |you |please )*send (?:me|us) (?:any ?more|anything(?: else| more| again| further)?)"
        rf"(?: please| thanks| thank you)?$",
        rf"\b(?:{_NOT}|stop|quit|cease) (?:ever |you |please )*reach(?:ing)? out(?: to)? "
        rf"(?:me|us|again|anymore|any more)\b{_TIME}{_TERMS}",
        rf"\b(?:refrain|desist|abstain) from (?:\w+ ){{0,2}}?{_CONTACT}\b",
        r"\b(?:no|do not|dont) solicit\w*\b(?! sign)",
        r"\b(?:(?:asked?|asking|told|tell|telling|said|beg|begging|warned|warning)(?: you| u| yall| them)?|"
        r"(?:need|want|like) (?:you|u|yall|them)) to (?:please |just )*(?:stop|quit|cease)\b(?! by)",
        r"\b(?:i said|would you|could you|can you|will you|please|pls|just) (?:please |just )*stop$",
        r"\bhow (?:do|can|would) (?:i|we|you) (?:stop|end|cancel) "
        r"(?:this|these|those|it|that|the (?:texts|messages))\b",
        r"\b(?:stop|quit) (?:\w+ )?(?:bugging|bothering|pestering|hounding|annoying|hassling|stalking)\b",
        r"\b(?:take|remove|delete|scrub) (?:me|us|(?:my|this|our|the) (?:number|name|phone|cell|info|email|contact))\b"
        r"(?: \w+){0,3} (?:off|from|out|list)\b",
        rf"\b(?:remove|delete) (?:\w+ ){{0,2}}?from (?:\w+ ){{0,2}}?your (?:\w+ ){{0,2}}?{_LIST}\b",
        rf"\b(?:remove|(?:be|get|me|us) (?:removed|deleted)) from (?:\w+ ){{0,3}}?{_LIST}\b",
        r"\b(?:off(?: of)?|out of) your (?:\w+ ){0,2}?(?:lists?|database)\b",
        r"\b(?:me|us|be|get|want|wants) off (?:of )?(?:this|the|that) (?:\w+ ){0,2}?(?:lists?|database)\b",
        r"\b(?:remove|delete|erase|lose|forget|scrub) "
        r"(?:me|(?:my|this) (?:number|name|info|information|phone|contact|email))\b",
        r"\b(?:take|get) (?:me|us|my (?:number|name)) off\b",
        r"\bopt(?:ing|ed)? (?:me |us )?out\b",
        r"\b(?:revoke|withdraw) (?:\w+ ){0,2}?(?:consent|permission)\b",
        r"\bunsubscribe\b",
        rf"\bno (?:me|nos) (?:vuelv[ae][sn]? a )?{_LLAME}\b{_A_VECES}",
        rf"\b(?:no vuelv[ae][sn]? a|ya no) {_LLAME}\b",
        r"\bno (?:quiero|deseo|quisiera|queremos) (?:recibir|(?:mas|sus|estos|estas|tus)\b|ser contactad[oa]s?\b)",
        rf"\bno (?:quiero|deseo|quisiera|queremos) que (?:me|nos) {_LLAME}\b",
        r"\bno mas (?:mensajes|llamadas|textos|correos)\b",
        rf"\bdej(?:en|a|e|es|ar|ame|eme|enme|enos|ennos|anos) (?:ya )?(?:de {_LLAMAR}|en paz)",
        rf"\b(?:pare|paren|para|parar) (?:ya )?"
        rf"(?:de {_LLAMAR}|con (?:los|las|sus|estos|estas) (?:mensajes|textos|llamadas))",
        r"\b(?:dar(?:me|nos)?|da(?:me|nos)|de(?:me|nme|nos)|denos|quiero|solicito) (?:\w+ )?(?:de |la )baja\b",
        r"\b(?:quit|elimin|borr|saqu)\w* (?:mi |de |el )?(?:numero|(?:la|su|tu|esta) lista)\b",
        r"\b(?:do not|dont) call (?:list|registry)\b|\bdnc\b",
        r"\bleave (?:me|us) (?:the \w+ )?alone\b",
        r"\b(?:fuck|f) ?(?:off|you|u)\b|\bgo to hell\b|\bpiss off\b|\bscrew you\b|\bget lost\b|\bbuzz off\b",
        r"\breport(?:ed|ing)? (?:you|this|u|your number)\b.*\b(?:spam|ftc|fcc|junk|police|attorney general)\b",
        r"\breport(?:ed|ing)? (?:it )?(?:as |this as )?(?:spam|junk)\b",
        r"\bharass(?:ing|ment|ed)?\b",
        r"\bcease and desist\b",
    )
)
WRONG: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"\bwrong (?:number|person|guy|girl|lady|man|woman|house|phone|family|owner|party)\b",
        r"\b(?:not|isnt|aint) (?:him|her|them|that person|the owner|the right person)\b",
        r"\b(?:not|isnt|aint) my (?:house|property|home|land)\b",
        r"\b(?:i|we) (?:already |just |have )?sold (?:it|that|this|the|my|our)\b(?! (?:car|truck|boat))",
        r"\b(?:already sold|its sold|its been sold|it was sold|it has been sold)\b",
        r"\bdont know (?:him|her|them|that person)\b",
        r"\b(?:dont have|no) (?:anyone|anybody|one|body) (?:by|with|named)\b",
        r"\bnobody (?:here )?(?:by|with|named)\b",
        r"^wrong(?: no| num| nbr)?$",
        r"\b(?:numero|persona) (?:equivocad|incorrect)[oa]\b|\besta equivocad[oa]\b|\bse equivoco\b",
        r"\bno soy (?:el|ella|esa|ese|la persona|duen[oa])\b|\bno es mi (?:casa|propiedad|terreno)\b",
        r"\bya (?:la |lo )?(?:vendi|vendimos)\b",
        r"\bdo(?:es)?nt (?:live here|own (?:it|that|this))\b|\bno longer (?:own|owns|lives? here)\b",
    )
)
# Words that may mean it: a person decides.
ASK: Final = re.compile(
    r"\b(?:stop\w*|cancel\w*|end|ending|remov\w+|spam\w*|scam\w*|attorney|lawyer|sue|suing|lawsuit|deceased|died|dead|"
    r"passed away|not interested|no interest|block|blocked|blocking|unsub\w*|quit|no me interesa|abogado|"
    r"fallecid[oa]|ya no llam\w*|dej(?:en|e|a|es) de)\b"
    r"|\bno (?:me|nos) (?:llam|escrib|mand|envi|contact|molest|text)(?:e|en|es|a|an|as)\b"
    rf"|\b{_NOT} (?:ever |you |please )*{_CONTACT} (?:to )?{_WHOM}\b{_TIME}"
    r"|\breport(?:ing|ed)? (?:you|this)\b|\b(?:not|never|nobody|no one|didnt|dont|without)(?: \w+){0,3}? "
    r"(?:authoriz|authoris|permission|permit|consent)\w*"
)
# Of a sentence of its own: all of the company's words, or those of one channel alone? A person decides.
NO_MORE: Final = re.compile(
    rf"(?:(?:please|and|so|but) )?(?:{_NOT} (?:ever |you |please )*(?:{_ONE_OR_TWO}|mail|phone|reach out)(?: to)?|"
    rf"no (?:more )?(?:emails|texts|calls|contact)|stop mailing|{_NOT} (?:ever |you |please )*send)"
    rf"(?: (?:me|us|any|anything|anymore|any more|again|more|please|thanks|thank you))*"
)
# What is said of stopping without asking for it: “don't stop texting me”, “do not take me off the list”.
NEGATED: Final = re.compile(
    r"\b(?:dont|do not|didnt|did not|never|wont|will not) (?:ever |please |even |want (?:you |u )?to )*"
    r"(?:stop|quit|cease|remove|take(?: \w+){0,2}? off|take|delete|erase|lose|unsubscribe|opt)\b"
    r"|\bno (?:me |nos )?(?:dej|par)\w+ de\b"
)
# Alone between two marks of a longer message they are meant: “Not interested, stop.”
ALONE: Final = frozenset(
    {"stop", "stopall", "stop all", "stop it", "unsubscribe", "unsub", "optout", "opt out", "remove me"}
)
MARKS: Final = re.compile(r"[.,!?;:…\n]+|\s[-–—]+\s")
# Beside a wrong number it is the stronger wish.
STOP_TOO: Final = re.compile(r"\b(?:stop|remove|unsub\w*|quit|cancel)\b(?! (?:by|over|in)\b)")
STOP_LIKE: Final = ("stop", "unsubscribe", "cancel")
LONG = 9  # letters: one slip in a word of so many is no other word
E_MAIL: Final = re.compile(r"\be (mail(?:s|ed|ing|er|ers)?)\b")
# One slip beside them, and other words.
OTHER_WORDS: Final = frozenset({"shop", "top", "step", "stoop", "atop", "slop", "stow", "swop", "sop"})
# What a phone sends when somebody marks our message: “Liked “Hi Maria … Reply STOP to end””.
REACTION: Final = re.compile(
    r"\s*(liked|loved|emphasized|laughed at|questioned|disliked|reacted \S+ to)\s+[“\"«].*[”\"»]\s*", re.I | re.S
)


def read(text: str) -> Meaning:
    """opt_out: suppress; wrong: not this person's number; ask: a person decides, and undecided it is an opt-out.

    1. An opt-out word that is all of the message, or of a sentence. 2. An opt-out phrase anywhere, but what is said not
    to be done. 3. A wrong number or owner; with a STOP beside it an opt-out. 4. HELP, START. 5. Words that may be an
    opt-out, one slip beside STOP, nothing but signs. 6. Else a reply.
    """
    if reaction := REACTION.fullmatch(text):
        return "ask" if reaction[1].lower() == "disliked" else "reply"
    words = normal(text)
    if not words:
        return "ask" if any(unicodedata.category(character) == "So" for character in text) else "reply"
    sentences = [normal(sentence) for sentence in MARKS.split(text)]
    asked = " ".join(" ".join(NEGATED.sub(" ", sentence) for sentence in sentences).split())
    if _is_opt_out_word(words) or not ALONE.isdisjoint(sentences) or any(one.search(asked) for one in OPT_OUT):
        return "opt_out"
    if any(pattern.search(words) for pattern in WRONG):
        return "opt_out" if STOP_TOO.search(words) else "wrong"
    if words in HELP:
        return "help"
    if words in START:
        return "start"
    if asked != words or _may_mean_it(words) or any(NO_MORE.fullmatch(sentence) for sentence in sentences):
        return "ask"
    return "reply"


def normal(text: str) -> str:
    """The words alone: small letters without accents, apostrophes or signs, one space between two."""
    folded = unicodedata.normalize("NFKD", text.translate(APOSTROPHES)).casefold()
    kept = (character for character in folded if unicodedata.category(character) not in ("Mn", "Me", "Cf"))
    words = " ".join("".join(character if character.isalnum() else " " for character in kept).split())
    return E_MAIL.sub(r"e\1", words)


def _is_opt_out_word(words: str) -> bool:
    """One of WORDS, repeated or with up to four polite words before and behind."""
    tokens = REPEATED.sub(r"\1", words).split()
    if len(tokens) > 4 + MOST_POLITE:
        return False
    return any(
        " ".join(tokens[start:end]) in WORDS
        and len(around := tokens[:start] + tokens[end:]) <= MOST_POLITE
        and POLITE.issuperset(around)
        for start in range(len(tokens))
        for end in range(start + 1, len(tokens) + 1)
    )


def _may_mean_it(words: str) -> bool:
    if ASK.search(words):
        return True
    said = words.split()
    if any(len(one) >= LONG and _one_slip(one, word) for one in said for word in STOP_LIKE if len(word) > LONG):
        return True
    return len(said) == 1 and words not in OTHER_WORDS and any(_one_slip(words, word) for word in STOP_LIKE)


def _one_slip(said: str, word: str) -> bool:
    """One letter too few, too many, wrong, or two letters changed places."""
    if said == word:
        return True
    if len(said) == len(word):
        wrong = [place for place in range(len(word)) if said[place] != word[place]]
        swapped = len(wrong) == 2 and wrong[1] == wrong[0] + 1 and said[wrong[0]] == word[wrong[1]]
        return len(wrong) == 1 or (swapped and said[wrong[1]] == word[wrong[0]])
    shorter, longer = sorted((said, word), key=len)
    return len(longer) == len(shorter) + 1 and any(
        longer[:place] + longer[place + 1 :] == shorter for place in range(len(longer))
    )
