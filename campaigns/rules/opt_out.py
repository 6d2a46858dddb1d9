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
        "no more", "alto", "pare", "baja", "arret", "arretez", "basta", "fin", "cancelar", "detener", "s t o p",
        "cease", "desist", "discontinue", "go away",
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
NUMBER_SIGN: Final = re.compile(r"\b(my|this|our|the) ?#(?!\w)", re.I)  # lose my #

_CONTACT = (
    r"(?:text|texts|texting|txt|txts|txting|call|calls|calling|contact|contacting|message|messages|messaging|msg|email|emails|"
    r"emailing|write|writing|bother|bothering|spam|spamming|sending)"
)
_FILLERS = (
    r"(?:(?:with|the|these|this|those|your|ur|all|of|any|me|us|sending|making|trying|to|damn|fucking|freaking|please) )"
)
_NOT = r"(?:dont|do not|never|no longer)"
_THINGS = (
    r"(?:texts?|txts?|messages?|msgs?|emails?|mails?|mailings?|letters?|offers?|junk|spam|crap|shit|garbage|stuff|"
    r"solicitations?|correspondence|communications?)"
)
_LIST = r"(?:lists?|database|system|records|files)"
_WHOM = (
    r"(?:me|us|my (?:number|phone|cell|house|wife|husband|mother|father|mom|dad|family)|this (?:number|phone|cell)|"
    r"here|again|anymore|any more|this (?:e ?mail|address))"
)
_TIME = (
    r"(?! (?:\w+ ){0,3}?(?:before|after|until|till|at (?!this|my|me|all|once)|between|"
    r"during|on (?!this|my)|today|tonight|tomorrow|while|when|so early|"
    r"so late|this (?:morning|week|afternoon|evening|early|late)|early|late)\b)"
)
# Of a house's papers, not of our lists: “take my name off the deed”.
_PAPERS = (
    r"(?! (?:\w+ ){0,4}?(?:deed|title|mortgage|loan|lien|lease|will|trust|insurance|utilities|market|mls|listing|taxes|"
    r"bills?)\b)"
)
_TERMS = r"(?! (?:\w+ ){0,2}?(?:if|unless|just|text|email|instead|right now|in the)\b)"
_ONE_OR_TWO = rf"{_CONTACT}(?: (?:or|and|nor) (?:ever )?{_CONTACT})*"  # "text or call"
_NEAR = r".{0,200}"  # characters; without an end one long message would be read for seconds
# Of the word, or of what is only thought of: “what does unsubscribe mean”, “should I opt out”.
_TALKED_OF = "".join(
    rf"(?<!\b{words} )"
    for words in ("does", "is", "whats", "by", "say", "says", "said", "word", "the", "an", "if i", "if we", "should i")
)
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
        rf"(?<!non )\b(?:stop|quit|cease|discontinue|halt|no more) {_FILLERS}{{0,3}}?"
        rf"(?:{_CONTACT}|communicat\w+|solicit\w+|correspond\w+|reaching out)\b(?! it\b){_TIME}",
        rf"\b{_NOT} (?:ever |you |please )*{_ONE_OR_TWO} (?:to )?{_WHOM}\b{_TIME}{_TERMS}",
        rf"\b{_NOT} (?:ever )?{_ONE_OR_TWO} (?:\w+ ){{0,2}}again\b",
        rf"^(?:please )?{_NOT} (?:ever )?{_ONE_OR_TWO}(?: please| thanks| thank you)?$",
        # not today, and at no other time either
        rf"\b(?:{_NOT}|stop|quit) (?:ever |you |please )*{_CONTACT}\b{_NEAR}\b(?:any other (?:day|time)|"
        r"(?:all|any) other times|at all|ever again|forever|for good|not now)\b",
        r"\b(?:dont|do not|no longer|never) (?:want|wish|care|need|like) (?:to (?:be|get|receive|have)|any|your|these|"
        r"those|more|further|unsolicited)(?: \w+){0,3}? (?:contact|text|call|messag|email|solicit|spam|communicat)\w*\b"
        rf"{_TIME}{_TERMS}",
        rf"\b(?:dont|do not|no longer) (?:want|wish) (?:you|u|yall|anyone|anybody|people) (?:to )?{_ONE_OR_TWO} "
        rf"(?:to )?{_WHOM}\b{_TIME}{_TERMS}",
        r"\b(?:dont|do not|no longer|never) (?:want|wish|care|need) to (?:ever )?hear from (?:you|u|yall|your)\b"
        rf"{_TIME}",
        r"(?<!have )(?<!has )(?<!had )(?<!got )(?<!is )(?<!with )\bno (?:further|additional|future|other) (?:contact|"
        r"communication|text|call|message|email|solicitation|correspondence)\w*\b"
        r"(?! (?:info|details|number|person)\w*)",
        r"\b(?:cease|discontinue|halt) (?:all |any |further )*(?:communication|contact|solicit|correspond)\w*\b",
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
        r"\b(?:i said|would you|could you|can you|will you|please|pls|just) (?:please |just ){0,5}stop$",
        r"\bhow (?:do|can|would) (?:i|we|you) (?:stop|end|cancel) "
        r"(?:this|these|those|it|that|the (?:texts|messages))\b",
        r"\b(?:stop|quit|cease) (?:\w+ )?"
        r"(?:bugging|bothering|pestering|hounding|annoying|hassling|stalking|harr?assing)\b",
        r"\b(?:take|remove|delete|scrub) (?:me|us|(?:my|this|our|the) (?:number|name|phone|cell|info|email|contact))\b"
        rf"(?: \w+){{0,3}} (?:off|from|out|list)\b{_PAPERS}",
        rf"\b(?:remove|delete) (?:\w+ ){{0,2}}?from (?:\w+ ){{0,2}}?(?:your|ur) (?:\w+ ){{0,2}}?{_LIST}\b",
        rf"\b(?:remove|(?:be|get|me|us) (?:removed|deleted)) from (?:\w+ ){{0,3}}?{_LIST}\b",
        r"\b(?:off(?: of)?|out of) (?:your|ur) (?:\w+ ){0,2}?(?:lists?|database)\b(?! price)",
        r"\b(?:me|us|be|get|want|wants) off (?:of )?(?:this|the|that) (?:\w+ ){0,2}?(?:lists?|database)\b",
        r"\b(?:remove|delete|erase|lose|loose|forget|scrub) "
        rf"(?:me|(?:my|this) (?:number|name|info|information|phone|contact|email))\b{_PAPERS}",
        rf"\b(?:take|get) (?:me|us|my (?:number|name)) off\b{_PAPERS}",
        # not of an insurance
        rf"{_TALKED_OF}\bopt(?:ing|ed)? (?:me |us )?out\b(?! (?:mean|means|link|fee|button)\b)"
        rf"(?! of (?!(?:it|this|that|these|those|all|any|your|further|future|everything|receiving|getting)\b"
        rf"|{_CONTACT}))",
        r"\b(?:revoke|withdraw) (?:\w+ ){0,2}?(?:consent|permission)\b",
        rf"{_TALKED_OF}\bunsubscribe\b(?! (?:mean|means|link|fee|button|page|option)\b)",
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
        r"\b(?:do not|dont|no) (?:call|contact|mail|email|text|solicit)\w* (?:list|registry|database)\b",
        r"\b(?:on|to) (?:the |your |a |our |my )?(?:\w+ )?dnc\b|\bdnc (?:list|registry|request|me|us|please)\b|^dnc$",
        r"\bleave (?:me|us) (?:the \w+ )?alone\b",
        r"\b(?:fuc?k|f ?k) ?(?:off|you|u)\b|\b(?:eff|bugger) off\b",
        r"\bf ?(?:off|you|u)\b(?! (?:can|could|want|have|had|would|are|do|need|will|still)\b)",
        r"\bgo to hell\b|\bpiss off\b|\bscrew you\b|\bget lost\b|\bbuzz off\b",
        rf"\breport(?:ed|ing)? (?:you|u|your \w+)\b{_NEAR}\b(?:spam|ftc|fcc|junk|police|attorney general)\b",
        rf"\breport(?:ed|ing)? (?:this|it)\b{_NEAR}\b(?:spam|ftc|fcc)\b",
        r"\breport(?:ed|ing)? (?:(?:it|this|you|u) )?(?:as (?:spam|junk)|spam)\b",
        # by us: not by neighbors, nor by the city
        r"\b(?:you|youre|youve|u|ur|yall|yalls) (?:are |guys |people |keep |have |been |just |still |all )*harr?ass\w*",
        r"\byour (?:\w+ )?(?:harr?ass\w*|(?:is|are) (?:\w+ )?harr?ass\w*)",
        r"\b(?:this|that|it|these|(?:these|the|all these) (?:texts|calls|messages|emails)) "
        r"(?:is|are|feels like|borders on|constitutes?|amounts? to) (?:\w+ )?harr?ass\w*",
        r"\bconsider (?:\w+ ){1,3}harr?ass\w*|\bthis as harr?ass\w*|^(?:\w+ )?harr?assment$",
        r"(?<!\ba )(?<!\bthe )(?<!\btheir )(?<!\bcity )(?<!\bcounty )(?<!\bhoa )(?<!\bstate )"
        r"\bcease and desist\b(?! (?:order|letter|notice|from)s?\b)",
        r"\b(?:this|consider this|take this as|this (?:text|message|email|letter) is) (?:is )?"
        r"(?:a |an |my |our |your |as )*(?:\w+ ){0,2}?cease and desist\b",
    )
)
WRONG: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"\bwrong (?:number|person|guy|girl|lady|man|woman|house|phone|family|owner|party)\b(?! of\b)",
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
    r"cease|desist|discontinu\w*|halt|revok\w*|harr?ass\w*|opt(?:ing|ed)? (?:me |us )?out|dnc|ftc|fcc|"
    r"no (?:further|future) (?:contact|communication|correspondence|call|text|message|email)\w*|"
    r"signed up|sign up|never again|knock it off|cut it out|"
    r"leave (?:me|us|my \w+) (?:be|alone)|off (?:the|this|that) (?:\w+ )?list|no longer (?:wish|want)|"
    r"(?:dont|do not) (?:wish|want) to receive|"
    r"fallecid[oa]|ya no llam\w*|dej(?:en|e|a|es) de)\b"
    r"|\bno (?:me|nos) (?:llam|escrib|mand|envi|contact|molest|text)(?:e|en|es|a|an|as)\b"
    rf"|\b{_NOT} (?:ever |you |please )*{_CONTACT} (?:to )?{_WHOM}\b{_TIME}"
    rf"|\bno (?:mas )?{_LLAME}\b{_A_VECES}|\bdej(?:en|a|e)(?:me|nos) tranquil|\bnunca mas\b"
    # a wish in polite words, or a threat
    r"|\b(?:rather|prefer|appreciate|request\w*|wish|hope)(?: \w+){0,6}? (?:not|dont|didnt|wouldnt|stopped) "
    rf"(?:\w+ ){{0,3}}?(?:{_CONTACT}|contacted|texted|called|emailed|receive|receiving|solicited)\b"
    r"|\bnot to be (?:contacted|called|texted|emailed)\b"
    rf"|\b(?:if|next time) (?:you|u|yall) (?:\w+ ){{0,2}}?{_ONE_OR_TWO} (?:to )?{_WHOM}(?: \w+){{0,3}}? "
    r"(?:again|more time)\b"
    rf"|\b{_CONTACT} (?:me|us) (?:again|(?:one|1) more time) (?:and|or) i\b|\bhow many times\b|\bgo away\b"
    r"|^(?:ok |okay )?enough$|\benough (?:already|is enough|(?:with|of) (?:the|these|this|your|all))\b"
    r"|^c d$|\btcpa\b|telephone consumer protection|\bblacklist\w*|\bdo not disturb\b|\brmv\b"
    r"|^(?:please )?(?:take )?(?:me )?off list\b"
    rf"|\b(?:may|must|should|shall|would|are|can) ?not (?:to |ever )*{_CONTACT} (?:to )?{_WHOM}\b{_TIME}"
    r"|\breport(?:ing|ed)? (?:you|this)\b|\b(?:not|never|nobody|no one|didnt|dont|without)(?: \w+){0,3}? "
    r"(?:authoriz|authoris|permission|permit|consent)\w*"
)
# Of a sentence of its own: all of the company's words, or those of one channel alone? A person decides.
NO_MORE: Final = re.compile(
    rf"(?:(?:please|and|so|but) )?(?:{_NOT} (?:ever |you |please )*(?:{_ONE_OR_TWO}|mail|phone|reach out)(?: to)?|"
    rf"no (?:more )?(?:emails|texts|calls|contact)|stop mailing|{_NOT} (?:ever |you |please )*send)"
    rf"(?: (?:me|us|any|anything|anymore|any more|again|more|please|thanks|thank you|{_THINGS}|to (?:this|my) "
    rf"(?:address|email|phone|number)))*"
)
# An e-mail's small print, about its writer's own mail: “If you are not the intended recipient, delete this e-mail.”
NOTICE: Final = re.compile(
    r"\bif you (?:(?:are not|arent) (?:the|an|our) (?:\w+ ){0,2}?(?:recipient|addressee)|"
    r"(?:have |ve )?(?:receive|received|got|gotten) (?:this|the) |"
    r"(?:do not|dont|no longer|would (?:like|prefer)|d (?:like|prefer)|would rather)(?: not)? ?"
    r"(?:wish|want|care)? ?(?:not )?(?:to )?(?:be|receive|get|hear|unsubscribe|opt|stop receiving)\b).*"
)
OF_HERS: Final = re.compile(r"\b(?:stop|quit|cease|dont|do not|never)\b(?: \w+){0,3}? (?:me|my)\b")  # no small print
# How one stops somebody's mail, ours in a quotation or the writer's own: it may be asked of us, too. A person decides.
HOW_TO: Final = re.compile(
    r"(?<!want )(?<!wants )(?<!like )(?<!wish )(?<!need )(?<!prefer )(?<!trying )(?<!asked )(?<!asking )(?<!how )"
    rf"\bto (?:unsubscribe|opt out|stop receiving|be removed)\b{_NEAR}?\b(?:click|reply|text|visit|follow|go to|"
    r"use|press|send|here|https?)\b.*"
    r"|\byou (?:can|may) (?:\w+ )?(?:unsubscribe|opt out)\b(?! me\b).*"
    r"|\b(?:click|tap|press|reply|text|visit|follow)\b(?: \w+){0,5}? to "
    r"(?:unsubscribe|opt out|stop|be removed|cancel)\b.*"
    r"|\b(?:unsubscribe|opt out|stop)(?: \w+){0,2}? https?\b.*"
)
PARTS: Final = re.compile(r"((?:[.!?]+(?=\s|$))|\n\s*\n)")  # of a text; a sentence goes on over the end of a line
PARAGRAPHS: Final = re.compile(r"\n\s*\n|\n-- ?\n")
# “Don't text me, call me”: she chooses another way. A person decides.
NOT_SO: Final = re.compile(rf"\b{_NOT} (?:ever |you |please )*{_ONE_OR_TWO} (?:to )?(?:{_WHOM}|my \w+)")
BUT_SO: Final = re.compile(
    r"(?:(?:please|just|only|but|so|and|instead|you can|feel free to) )*(?:call|text|txt|email|phone|ring|write) "
    r"(?:to )?(?:me|us|only|instead|"
    r"my (?:cell|phone|mobile|home|office|work|wife|husband|son|daughter|email|number))\b.*"
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
DRAWLED: Final = re.compile(r"([^\W\d_])\1{2,}")  # stoooop
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

    1. Small print is left out. 2. An opt-out word that is all of the message, of a paragraph above others, or of a
    sentence. 3. An opt-out phrase anywhere, but what is said not to be done, or to be done by another channel. 4. A
    wrong number or owner; with a STOP beside it an opt-out. 5. HELP, START. 6. Words that may be an opt-out, one slip
    beside STOP, nothing but signs. 7. Else a reply.
    """
    if reaction := REACTION.fullmatch(text):
        return "ask" if reaction[1].lower() == "disliked" else "reply"
    if not normal(text):
        return "ask" if any(unicodedata.category(character) == "So" for character in text) else "reply"
    told, tells_how = _without_small_print(text)
    meaning = _read(told)
    left_alone = told != text and POLITE.issuperset(normal(told).split())
    return "ask" if meaning == "reply" and (tells_how or left_alone) else meaning


def _read(text: str) -> Meaning:
    words = normal(text)
    sentences = [normal(sentence) for sentence in MARKS.split(text)]
    asked = " ".join(" ".join(NEGATED.sub(" ", sentence) for sentence in sentences).split())
    if (
        _is_opt_out_word(words)
        or any(_is_opt_out_word(normal(paragraph)) for paragraph in PARAGRAPHS.split(text)[:-1])
        or not ALONE.isdisjoint(sentences)
        or any(one.search(asked) for one in OPT_OUT)
    ):
        return "ask" if _chooses(sentences, asked) else "opt_out"
    if any(pattern.search(words) for pattern in WRONG):
        return "opt_out" if STOP_TOO.search(words) else "wrong"
    if words in HELP:
        return "help"
    if words in START:
        return "start"
    if asked != words or _may_mean_it(words) or any(NO_MORE.fullmatch(sentence) for sentence in sentences):
        return "ask"
    return "reply"


def _without_small_print(text: str) -> tuple[str, bool]:
    """The text, and whether how to stop somebody's mail was taken out of it, too."""
    parts, tells_how = PARTS.split(text), False
    for number, part in enumerate(parts):
        words = normal(part)
        kept = NOTICE.sub(lambda found: found[0] if OF_HERS.search(found[0]) else " ", words)
        told = HOW_TO.sub(" ", kept)
        tells_how = tells_how or told != kept
        if told != words:
            parts[number] = _above(part, told)
    return "".join(parts), tells_how


def _above(part: str, kept: str) -> str:
    """What is kept of a part, its first lines as they are written. kept: its words that are kept."""
    lines, length = [], 0
    for line in part.split("\n"):
        if not kept.startswith(words := normal(line), length):
            break
        lines.append(line)
        length += len(words) + bool(words)
    return "\n".join([*lines, kept[length:]])


def _chooses(sentences: list[str], asked: str) -> bool:
    """Whether all that she wants no more of is one channel, as she names another."""
    if not any(BUT_SO.fullmatch(sentence) for sentence in sentences):
        return False
    left = NOT_SO.sub(" ", asked)
    return left != asked and not any(one.search(left) for one in OPT_OUT)


def normal(text: str) -> str:
    """The words alone: small letters without accents, apostrophes or signs, one space between two."""
    told = NUMBER_SIGN.sub(r"\1 number ", text.translate(APOSTROPHES))
    folded = unicodedata.normalize("NFKD", told).casefold()
    kept = (character for character in folded if unicodedata.category(character) not in ("Mn", "Me", "Cf"))
    words = " ".join("".join(character if character.isalnum() else " " for character in kept).split())
    words = DRAWLED.sub(r"\1", words)
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
    if 1 < len(said) <= len("stop") and (whole := "".join(said)) not in OTHER_WORDS:  # s top, st*p
        return whole == "stop" or _one_slip(whole, "stop")
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
