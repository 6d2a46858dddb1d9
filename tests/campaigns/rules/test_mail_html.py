"""What of an e-mail's HTML may be sent, each part made of the other, and what is warned of."""

from __future__ import annotations

import pytest

from campaigns.planning.refusals import CampaignError
from campaigns.rules.mail_html import Anchor, Page, addresses_in, check_html, html_of, text_of
from campaigns.rules.mail_warnings import warnings_of
from campaigns.rules.templates import BadTemplate, parse, render
from campaigns.texts.mail import check_mail

MUST = '{{companyAddress}} <a href="{{unsubscribeUrl}}">Unsubscribe</a>'
TEXT = "Hi {{firstName|there}}.\n\n{{companyAddress}}\nUnsubscribe: {{unsubscribeUrl}}"
ADDRESS, OUT = "{{companyAddress}}", "<a href='{{unsubscribeUrl}}'>Unsubscribe</a>"
PICTURE = "<img src='https://a.example/u'>"
UNSEEN = [
    f"<p title='{ADDRESS}'>Hi</p>{OUT}",
    f"<img src='https://a.example/b' alt='{ADDRESS}'>{OUT}",
    f"<html><head><title>{ADDRESS}</title></head><body>{OUT}</body></html>",
    f"<p style='display:none'>{ADDRESS}</p>{OUT}",
    f"<p style='Font-Size: 0px'>Hi <b>{ADDRESS}</b></p>{OUT}",
    f"<style>.x {{ visibility: hidden }}</style><div class=x><p>{ADDRESS}</p></div>{OUT}",
    f"{ADDRESS} {OUT.replace('Unsubscribe', '')}",
    f"{ADDRESS} {OUT.replace('Unsubscribe', '&nbsp;' + chr(0x200B))}",
    f"{ADDRESS} {OUT.replace('Unsubscribe', PICTURE)} Unsubscribe",
    f"{ADDRESS} <p style='opacity: 0'>{OUT}</p>",
    # a color like the background's, of whichever element each is
    f"<table bgcolor=#003366><tr><td style='color:#036'><p>{ADDRESS}</p></td></tr></table>{OUT}",
    f"<body text=white><p>{ADDRESS}</p>{OUT}</body>",
    f"<font color='#FFFFFF'>{ADDRESS}</font> {OUT}",
    f"<style>.x {{ color: #ffffff }}</style><div class=x>{ADDRESS}</div>{OUT}",
    f"{ADDRESS} {OUT.replace('<a', '<a style=color:#fff')}",
    f"<div style='color:#fff'>{ADDRESS} {OUT.replace('<a', '<a style=color:inherit')}</div>",
    f"<div style='background:#0000ee;color:#fff'>{ADDRESS} {OUT}</div>",
    f"<div style='background:url(https://a.example/x)'><p style='background:#fff;color:#fff'>{ADDRESS}</p></div>{OUT}",
    f"{ADDRESS} {OUT.replace('<a', '<a style=max-height:0')}",
    f"{ADDRESS} {OUT.replace('Unsubscribe', PICTURE.replace('>', ' alt=Unsubscribe width=1>'))}",
    f"<style>@media screen {{ .x, .y > #z {{ display: none }} }}</style><p id=z>{ADDRESS}</p>{OUT}",
    f"<div style='background:#000'><p style='background:#ffffff00;color:#111'>{ADDRESS} {OUT}</p></div>",
    *(
        f"<div style='{style}'>{ADDRESS} {OUT}</div>"
        for style in (
            "display:/**/none", "display:none!important;display:block", "font-size:1px", "font-size: .1em",
            "font:1px/1px Arial", "opacity:.01", "opacity:0.0", "height:0;overflow:hidden",
            "max-width:1px; overflow: hidden", "text-indent:-9999px", "position:absolute;left:-9999px",
            "margin:-9999px 0 0", "color:transparent", "color:rgba(0, 0, 0, 0.0)", "color:rgb(0 0 0 / 0%)",
            "color:#fff", "color: #FFFFFF", "color:white", "color:rgb(255, 255, 255)", "color:rgb(100%,100%,100%)",
            "color:hsl(0, 0%, 99%)", "color:#fdfdfdff", "background:#000", "background-color:black;color:#111",
            "background: #222 none; color: rgb(30 30 30)", "color:#eee", "-webkit-text-fill-color:#fff",
            "color:red;background:red", "color:whitesmoke", "color:#0000", "color:#11111119",
            "mso-hide:all", "clip-path:inset(100%)", "position:absolute;clip:rect(0 0 0 0)", "transform:scale(0)",
        )
    ),
]  # fmt: skip

REFUSED = [
    ("<script>alert(1)</script>", "Scripts"),
    ("<SCRIPT src=https://a.example/x.js></SCRIPT>", "Scripts"),
    ("<p onclick=alert(1)>x</p>", "onclick"),
    ("<img src=https://a.example/x.png onerror=alert(1)>", "onerror"),
    ("<form action=https://a.example><input></form>", "Forms"),
    ("<iframe src=https://a.example></iframe>", "Pages and files"),
    ("<object data=https://a.example></object>", "Pages and files"),
    ("<svg><script>alert(1)</script></svg>", "Drawings"),
    ("<link rel=stylesheet href=https://a.example/x.css>", "Style sheets"),
    ("<base href=https://a.example>", "<base>"),
    ("<meta http-equiv=refresh content='0;url=https://a.example'>", "http-equiv"),
    ('<img src="data:image/png;base64,AAAA">', "Attachments"),
    ('<img src="cid:logo">', "Attachments"),
    ('<a href="data:text/html,x">x</a>', "Attachments"),
    ('<img src="http://a.example/x.png">', "https"),
    ('<img alt="no address">', "address"),
    ('<a href="javascript:alert(1)">x</a>', "whole address"),
    ('<a href="java&#10;script:alert(1)">x</a>', "whole address"),
    ('<a href="/offer">x</a>', "whole address"),
    ('<a href="https://paypal.com@evil.example">x</a>', "no address"),
    ('<a href="https://a.example/{{city}}">x</a>', "same for everybody"),
    ('<p style="background: url(data:image/png;base64,AA)">x</p>', "Attachments"),
    ('<p style="background: url(http://a.example/x.png)">x</p>', "https"),
    ('<p style="width: expre/**/ssion(alert(1))">x</p>', "expression("),
    ("<style>@import 'https://a.example/x.css';</style>", "@import"),
    ("<style>p { color: {{city}} }</style>", "variable"),
    ("<p class={{city}}>x</p>", "only in texts"),
    ("<p {{city}}>x</p>", "cannot be sent"),
    ("<!--[if mso]><script>1</script><![endif]-->", "Comments"),
    ("<!-- {{city}} -->", "comment"),
    ("<?php echo 1 ?>", "<?"),
    ("<p>{{firstname}}</p>", "did you mean"),
    ("<p>{firstName}</p>", "braces"),
    ("<p>{{snippet:none}}</p>", "no snippet"),
    ("<b>" * 40_000, "inside each other"),  # css_inline has run out of stack there, and taken the process along
    ("<div></b>" * 20_000, "inside each other"),
    ("<style>" * 25_000, "<style>"),
    ("<style>p{color:red}</style>" * 30, "<style>"),
]


def test_styles_that_would_take_long_are_refused_and_what_is_left_open_is_not() -> None:
    assert check_mail("s", "", f"<ul>{'<li>y' * 1_000}</ul>{'<p>x' * 1_000}{MUST}").page.letters > 2_000
    sheet = "<style>" + "*{color:red}" * 3_000 + "</style>"
    with pytest.raises(CampaignError, match="styles are too many"):
        check_mail("s", "", f"{sheet}{'<p>a</p>' * 5_000}{MUST}")


@pytest.mark.parametrize(("html", "words"), REFUSED, ids=[html[:40] for html, _ in REFUSED])
def test_what_mail_cannot_carry_is_refused_by_part_and_place_and_never_taken_out(html: str, words: str) -> None:
    with pytest.raises(CampaignError) as refused:
        check_mail("About your house", "", f"<b>Hello</b> {html} {MUST}")
    assert (refused.value.code, refused.value.field) == ("INVALID", "html")
    assert words in str(refused.value)
    assert 13 <= refused.value.more["position"] <= 13 + len(html)


@pytest.mark.parametrize(
    ("subject", "text", "html", "field", "position"),
    [
        ("", TEXT, "", "subject", None),
        ("x" * 201, TEXT, "", "subject", None),
        ("Two\nlines", TEXT, "", "subject", 3),
        ("Two\r\nBcc: x@example.com", TEXT, "", "subject", 3),
        ("Out: {{unsubscribeUrl}}", TEXT, "", "subject", 7),
        ("Hi {{firstname}}", TEXT, "", "subject", 3),
        ("Hi {{snippet:x}}", TEXT, "", "subject", 3),
        ("Hi", "", "", "text", None),
        ("Hi", "Hi {{#x}}", "", "text", 3),
        ("Hi", "a\x00b" + TEXT, "", "text", 1),
        ("Hi", "x" * 10_001, "", "text", None),
        ("Hi", "https://a.example/{{zip}} " + TEXT, "", "text", 0),
        ("Hi", "No address. {{unsubscribeUrl}}", "", "text", None),
        ("Hi", "{{companyAddress}}, no way out", "", "text", None),
        ("Hi", TEXT, "<p>No way out, {{companyAddress}}</p>", "html", None),
        ("Hi", TEXT, "<p>Not pressed: {{unsubscribeUrl}} {{companyAddress}}</p>", "html", None),
        ("Hi", TEXT, "x" * 200_001, "html", None),
        *[("Hi", TEXT, html, "html", None) for html in UNSEEN],
    ],
)
def test_an_e_mail_without_what_it_must_have_where_it_is_seen_is_refused(
    subject: str, text: str, html: str, field: str, position: int | None
) -> None:
    with pytest.raises(CampaignError) as refused:
        check_mail(subject, text, html)
    assert (refused.value.field, refused.value.more.get("position")) == (field, position)


@pytest.mark.parametrize(
    "html",
    [
        f"<div style='display: none'>Shown in the list of e-mails</div><p>{ADDRESS}</p>{OUT}",
        f"<table style='font-size: 0'><tr><td style='font-size: 13px; opacity: 0.9'>{ADDRESS} {OUT}</td></tr></table>",
        f"<p><img src='https://a.example/b' style='display:none'>{ADDRESS}</p>"
        + OUT.replace("Unsubscribe", PICTURE.replace(">", " alt='Unsubscribe'>")),
        f"<p>{ADDRESS}<p>{OUT}",
        f"<table bgcolor=#003366><tr><td style='color:#fff'>{ADDRESS} {OUT.replace('<a', '<a style=color:#fff')}"
        "</td></tr></table>",
        f"<div style='color:#fff'><p style='color:#444'>{ADDRESS}</p>{OUT}</div>",
        f"<div style='color:#fff'><p style='background:#222'>{ADDRESS}</p>{OUT}</div>",
        f"<style>@media (max-width:600px) {{ .wide {{ display:none }} }}</style><b class=wide>x</b>{ADDRESS} {OUT}",
        *(
            f"<div style='{style}'>{ADDRESS} {OUT}</div>"
            for style in (
                "display:none;display:block",
                "opacity:1;fill-opacity:0",
                "width:1px;min-width:100%;overflow:hidden",
                "max-width:600px;overflow:hidden",
                "font-size:0;font-size:14px",
                "margin:-8px 0",
                "min-height:0",
                "color:rgba(0,0,0,0.6)",
                "font:bold 13px Arial",
                "font-size:85%",
                "position:relative;left:-4px",
                "color:#999999",
                "color:#bbb",
                "background:#000;color:#fff",
                "background:red;color:lime",
                "color:#fff;background:url(https://a.example/x.png)",
                "color:var(--x)",
                f"color:rgb({'9' * 400},0,0)",
                f"color:hsl(1,{'9' * 400}%,{'9' * 400}%)",
                "color:rgb(1.2.3,.,-)",
                "background:#ffffffffff;color:#fffff",
                "background:transparent;color:#333",
                "background:#0000;color:#111",
                "color:#000000cc",
                "background:rebeccapurple;color:#fff",
            )
        ),
    ],
)
def test_what_must_be_seen_may_stand_beside_what_is_not(html: str) -> None:
    assert check_mail("Hi", TEXT, html).typed["html"] == html


def test_of_a_text_html_is_made_by_its_paragraphs_and_of_html_a_text() -> None:
    mail = check_mail("Hi", "Hi {{firstName|R&D}},\nsee https://a.example/x?a=1&b=2.\n\n" + TEXT, "")
    html = mail.html.text
    assert '1em 0;">Hi {{firstName|R&D}},<br>see <a href="https://a.example/x?a=1&amp;b=2">a.example/x?' in html
    assert '<a href="{{unsubscribeUrl}}">Unsubscribe</a></p>' in html and "<html" in html
    assert mail.links == ("https://a.example/x?a=1&b=2",)

    page = (
        "<style>p { color: #111111 } @media (max-width: 400px) { p { font-size: 18px } }</style><h1>Hello</h1>"
        "<p>Hi&nbsp;{{firstName|R&amp;D}} &lt;3</p><ul><li>One<li>Two</ul>"
        f'<p><a href="https://a.example/">Our house</a> <img src="https://a.example/x.png" alt="A house"></p>{MUST}'
    )
    mail = check_mail("Hi", "", page)
    assert '<p style="color: #111111;">' in mail.html.text and "@media (max-width: 400px)" in mail.html.text
    text = mail.text.text
    assert text.startswith("Hello\n\nHi {{firstName|R&D}} <3\n\n- One\n- Two") and "A house" in text
    assert "Our house: https://a.example/" in text and text.endswith("Unsubscribe: {{unsubscribeUrl}}")
    written = render(mail.html, {"companyAddress": "1 Main St", "unsubscribeUrl": "https://u.example/"}, html=True)
    assert isinstance(written, str) and "Hi&nbsp;R&amp;D &lt;3" in written
    again = check_mail("Hi", "", mail.html.text).html.text
    assert again.partition("<body")[2] == mail.html.text.partition("<body")[2]  # saved again it stays as it is


def test_values_are_escaped_by_part() -> None:
    page = '<p title="{{firstName}}">{{firstName}}</p>'
    mail = check_mail("Hi {{firstName}}", "Hi {{firstName}}\n" + TEXT, page + MUST)
    values = {"firstName": '<b>"O\'Neil" & {{zip}}', "companyAddress": "x", "unsubscribeUrl": "https://u.example/"}
    text, html = render(mail.text, values), render(mail.html, values, html=True)
    assert isinstance(text, str) and text.startswith('Hi <b>"O\'Neil" & {{zip}}\n')
    shown = "&lt;b&gt;&quot;O&#x27;Neil&quot; &amp; {{zip}}"
    assert isinstance(html, str) and f'<p title="{shown}">{shown}</p>' in html


def test_snippets_are_put_into_both_parts_and_their_lines_stay() -> None:
    snippets = {"signature": "Jane <jane@a.example>\n{{agentPhone}}"}
    mail = check_mail("Hi", "{{snippet:signature}}\n" + TEXT, f"<p>{{{{snippet:signature}}}}</p>{MUST}", snippets)
    assert mail.text.text.startswith("Jane <jane@a.example>\n{{agentPhone}}\n")
    assert "<p>Jane &lt;jane@a.example&gt;<br>{{agentPhone}}</p>" in mail.html.text
    assert mail.typed["text"].startswith("{{snippet:signature}}") and "agentPhone" in mail.variables
    with pytest.raises(CampaignError) as refused:
        check_mail("Hi", "Hi {{snippet:signatur}}\n" + TEXT, "", snippets)
    assert refused.value.more["position"] == 3 and "{{snippet:signature}}?" in str(refused.value)
    with pytest.raises(CampaignError) as refused:
        check_mail("Hi", "{{snippet:signature}} {{firstname}}\n" + TEXT, "", snippets)
    assert refused.value.more["position"] == 22  # in what was typed
    with pytest.raises(BadTemplate):
        parse("{{snippet:signature}}")


def test_links_are_read_as_people_end_sentences() -> None:
    said = "See https://a.example/x, (http://b.example). “https://c.example/?q=1&r=2”"
    assert [url for url, _ in addresses_in(said)] == [
        "https://a.example/x", "http://b.example", "https://c.example/?q=1&r=2",
    ]  # fmt: skip
    assert check_html("<a href='https://a.example'> Our <b>page</b> </a>").anchors == [
        Anchor("https://a.example", "Our page", 0)
    ]
    assert text_of(html_of("One\n\nTwo https://a.example/x")) == "One\n\nTwo https://a.example/x"


def test_what_keeps_a_mail_from_its_reader_is_warned_of() -> None:
    page = Page(
        [Anchor("https://evil.example/x", "paypal.com", 0), Anchor("https://www.a.example", "a.example", 0),
         Anchor("https://b.example", "", 0)],
        pictures=1, bare=1, letters=20,
    )  # fmt: skip
    links = ["http://a.example", "https://bit.ly/x", "https://192.0.2.7/x", "https://a.example"]
    said = warnings_of("RE: ACT NOW TODAY", "Last chance!! Click here", page, 103 * 1024, links)
    for words in (
        "103 KB", "http://a.example: use https", "bit.ly hides", "192.0.2.7 is an IP",
        "“paypal.com” leads to evil.example", "b.example has no words", "“act now”", "“last chance”", "“click here”",
        "exclamation", "capitals", "pretends to be a reply", "without alt text", "nearly all pictures",
    ):  # fmt: skip
        assert [one for one in said if words in one], words
    assert len(said) == 14
    fine = warnings_of("Your house on Oak St", "Would you sell it?", Page(letters=200), 2_000, ["https://a.example"])
    assert fine == []
