"""What people write back, and what is made of it. The sentences of the reference, and more of their kind."""

from __future__ import annotations

import time

import pytest

from campaigns.rules.opt_out import read

OPT_OUT = (
    # T4 · "Stop. Thank you" is not recognised
    "Stop. Thank you", "STOP!!!", "  stop ", "Ｓｔｏｐ", "sto\u200bp", "please stop, thanks", "STOPALL", "opt-out",
    "No más", "take me off your list", "never text me again", "don’t contact me",
    # words
    "stop", "Stop stop STOP", "S.T.O.P.", "stop2quit", "END", "Quit please", "cancel", "Unsubscribe", "unsub",
    "revoke", "Opt me out", "remove me pls", "REMOVE", "alto", "Pare por favor", "BAJA", "arrêt", "¡Basta ya!",
    "stop all, ok?", "STOP 🛑", "\u202estop\u202c", "Hey, please just stop now",
    # phrases
    "stop texting me", "Quit calling this number!", "No more messages", "please stop with the texts",
    "Do not contact us", "dont text me anymore", "Don't ever call me", "don`t email me", "don´t call me",
    "Remove my number from your database", "delete my info", "Please lose my number.", "I want to opt out",
    "I revoke my consent", "No me llames", "no más mensajes", "Dejen de escribirme", "quíteme de su lista",
    "No me mande mas textos", "put me on your do not call list", "I'm on the DNC", "leave me alone", 
    "Fuck off",
    "I will report you to the FTC", "reported as spam", "This is harassment", "Cease and desist",
    "wrong number, stop texting", "how do I unsubscribe from this", "fuck you", "stop calling me right now",
    "Do not contact.", "Don't call me ever again at this number", "stop calling me at this number",
    # asked in other words
    "I do not wish to be contacted", "I don't want to be contacted", "I don't want any more texts",
    "do not want your messages", "do not text or call me", "dont ever call", "I never want to hear from you again",
    "I don't want you texting me", "no further contact please", "cease all communication", "Do not solicit",
    "no soliciting", "I asked you to stop", "I said stop", "would you please stop", "How do I stop these texts?",
    "quit bugging me", "Don't call me today or any other day", "stop texting me at 6am and at all other times",
    # as people write in e-mails
    "Please stop e-mailing me.", "Do not e-mail me again", "No more e-mails please", "do not send any more emails",
    "Please do not send me any more e-mails", "Please don't send me any more messages", "Don't send me anything else",
    "Please don't reach out again", "do not reach out to me", "Please refrain from contacting me",
    "kindly refrain from e-mailing us", "no further correspondence", "please cease all correspondence",
    "Remove from list", "Remove me from your mailing list", "I would like to be removed from your list",
    "Please have me removed from your database", "I want off this list", "off your list please",
    "please leave me off your mailing list", "please delete my e-mail", "lose my email address",
    # a sentence of its own
    "Not interested, stop", "Stop - Maria", "Stop. I am not selling.", "Please don't. Stop!", "No! Stop texting me",
    # above what stands below an e-mail
    "Revoke\n\nSent from my iPhone", "No more\n\nJohn Smith\n1 Main St", "END\n-- \nJohn", "Remove\n\nThanks, Pat",
    "Stop\nJohn Smith\nIf you are not the intended recipient, please delete this e-mail.",
    "Do not contact me.\n\nTo unsubscribe from our newsletter click here.",
    "If you would stop contacting me, thanks", "John here. If you received this, please do not contact me.",
    "I want to unsubscribe, do not send me more", "I would like to unsubscribe from here",
    "Take my name off your list, my lawyer handles it",
    # other verbs, drawled
    "Please discontinue emailing me", "halt all communication", "stop soliciting me", "please stop reaching out",
    "cease", "desist!", "stoooop", "Do not email this address", "put us on your do not contact list",
    "Stop texting me. Call me and I will sue",
    # of us
    "stop harassing me", "You are harassing me", "you people keep harassing my family", "your texts are harassment",
    "This borders on harassment", "I consider this harassment", "Harassment!", "Please cease and desist",
    "This is a formal cease and desist", "Consider this a cease and desist letter", "cease and desist all contact",
    "how do I unsubscribe?", "Please unsubscribe me", "I am opting out of these texts", "Opt me out of all calls",
    "I will report this to the FTC", "I reported your number to the police", "we are on the state DNC",
    # beside a wrong number
    "STOP wrong number", "Wrong number. Stop", "I sold it, remove me",
    # Spanish
    "No quiero recibir mensajes", "no quiero que me llamen", "no vuelva a llamar", "No vuelvan a escribirme",
    "ya no llamen", "quiero darme de baja", "Deme de baja", "pare de enviar mensajes", "Paren con las llamadas",
    "deje de llamarme", "déjenos en paz", "No me llame más", "no nos escriban",
    "lose my #", "loose my number", "take my # off ur list", "you're harrassing me", "Don't send me this stuff",
    "f**k off",
)  # fmt: skip
WRONG = (
    "Wrong number", "you have the wrong person", "I sold it", "We already sold that house", "not him", "not my house",
    "I don't know him", "it's been sold", "número equivocado", "she doesn't live here", "I no longer own it",
    "wrong #", "número incorrecto", "ya la vendí",
)  # fmt: skip
HELP = ("HELP", "Info", "ayuda", "help!")
START = ("START", "unstop", " Start. ")
ASK = (
    "We have got to STOP this bill", "Can you cancel the appointment?", "When does the offer end?", "is this spam?",
    "Talk to my attorney", "He is deceased", "Not interested", "I'll block you", "👎", "😀", "stp", "sotp", "stoo",
    "unsuscribe", "non-stop calls from people like you", "don't call me unless you are serious",
    "please remove the sign", "No me interesa", "Disliked “Hi Maria, reply STOP to end”",
    "Don't stop texting me, I want to sell", "please do not take me off your list", "never stop calling, lol",
    "no deje de llamarme", "dejé de trabajar allí", "I don't want you to stop calling",
    "No me llame antes de las 5", "Stop by the house on Sunday", "No thank you. Please do not contact.",
    "call me, don't email", "no emails", "Don't mail me", "please unsuscribe",
    "You are not authorized to contact me", "I am reporting you",
    "My house was removed from the list by the agent",
    "I did not give permission to contact me",
    "I never signed up for this", "Consent revoked", "I no longer wish to receive these", "leave my family alone",
    "You are not to contact me again", "Do not send me emails", "I'd like off the list", "never again",
    # one channel, where another is named
    "don't text me, call me", "Don't call my house, call my cell", "Please do not email me. Text my cell",
    # how to stop somebody's mail: ours, quoted, or that of who writes
    "Yes, call me.\nUnsubscribe: https://example.com/u/1", "Please unsubscribe https://example.com/u/1",
    "I had to click to unsubscribe", "Sure, call me Tuesday.\n\nJohn\nTo unsubscribe from our e-mails click here.",
    "If you would like to get sued keep texting me", "Yes. You can unsubscribe at any time.",
    "Ok, call me\n\nTo unsubscribe from this group, send an email to list+unsubscribe@example.com",
    # of others, of the word, of what is thought of
    "harassed by the city over code violations", "My neighbors harass me about the lawn", "the HOA keeps harassing us",
    "The tenant was harassing the neighbors, so I want to sell", "HOA harassment is why I sell",
    "I got a cease and desist from the city", "The city sent a cease and desist order about the shed",
    "what does unsubscribe mean", "What does “opt out” mean?", "What do you mean by unsubscribe",
    "Why does it say unsubscribe at the bottom", "Should I unsubscribe?", "I will opt out of the HOA",
    "I reported this to the police, the squatters are still there", "I have no further messages from the bank",
    "the unsubscribe link is broken",
    "remove my name from the mortgage", "they quit calling it a teardown years ago",
    # wishes in polite words, threats
    "I'd prefer not to be contacted", "I would rather you not contact me", "I'd rather you didn't text me",
    "I'd appreciate it if you didn't contact me", "I'd appreciate not being contacted", "Not to be contacted",
    "If you text me again I'm calling the police", "If you call me one more time I'm calling the cops",
    "Contact me again and I call my lawyer", "You are violating the TCPA", "Enough with the texts", "Enough!",
    "No llame", "no moleste", "déjenme tranquilo", "do not disturb", "ST OP", "s top", "st*p",
)  # fmt: skip
REPLY = (
    "don't call me before 5", "Don't call me at work", "Yes", "Who is this?", "how much?", "What's your offer",
    "Call me tomorrow", "Maybe next weekend", "I can't talk now, text me", "I have a friend who may sell",
    "Is this about 12 Main St?", "ok", "?", "", "sí, llámeme", "shop", "Send me an email", "please call my cell",
    "No me llamó ayer", "no me escribió nadie", "I don't want to miss your call",
    "I don't need any help", "We have a no soliciting sign", "nadie me llamó, sí me interesa",
    "don't send the offer yet, my wife reads it first", "Is my house on your list?", "I checked out your records",
    "We took the sign off the lawn", "please e-mail me", "no e-mail", "send me the offer by e-mail",
    "I'll reach out to you again",
    # small print
    "Yes.\n\nIf you are not the intended recipient, please delete this e-mail and do not contact us.",
    "Let's talk. If you have received this message in error, please notify the sender and delete my e-mail.",
    "Call me\nIf you do not wish to receive e-mails from us, please let us know",
    # a house's papers
    "take my name off the deed", "get me off the loan", "what if I took it off list",
    "I don't want to hear from you until after the holidays", "wrong number of bedrooms, it has 4", "f you can do 250k",
    "it is out of your list price",
    "Do not send anything to the tenant", "don't send it before Friday",
    "I have no other email", "I have no other contact info", "I would prefer to be contacted by e-mail", "to p",
    "I'd rather you call me in the evening", "no llame antes de las 5", "no más de 300 mil", "the #1 buyer in town",
    "my number is 602 555 0111", "Liked “Hi Maria. Reply STOP to end”", "I never got your text", "We just sold our car",
)  # fmt: skip


@pytest.mark.parametrize("text", OPT_OUT)
def test_an_opt_out_is_heard_however_it_is_written(text):
    assert read(text) == "opt_out"


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        *((text, "wrong") for text in WRONG),
        *((text, "help") for text in HELP),
        *((text, "start") for text in START),
        *((text, "ask") for text in ASK),
        *((text, "reply") for text in REPLY),
    ],
)
def test_what_is_no_opt_out_is_read_as_it_is_meant(text, meaning):
    assert read(text) == meaning


@pytest.mark.parametrize(
    "words",
    ["stop ", "dont call me ", "a", "report you ", "\u0301", "to opt out ", "please ", "dont text ", "you can ", "a. "],
)
def test_a_hostile_message_is_read_in_a_time_that_grows_as_it_does(words):
    def seconds(length: int) -> float:
        text = words * (length // len(words))
        took = []
        for _ in range(3):
            begun = time.process_time()
            read(text)
            took.append(time.process_time() - begun)
        return min(took)

    assert seconds(30_000) < 20 * seconds(5_000) + 0.02, "36 times, were each word to look at all others"
