"""A stand-in for RealEstateAPI, SignalHouse, Apollo, Twilio and mail servers, as a process of its own.

Written from the vendors' contracts, never from this product's clients, or both would be wrong together. Nothing outside
`devtools` and the tests knows it exists; the product reaches it through its normal vendor base URLs. It uses no
Django. Owners, phones and e-mails are made up: phones only from 555-0100 to 555-0199, e-mail only at example.com.

Modules: `places` real ZIPs; `parcels` CSV files and `generator` a million computed parcels; `facts`, `owners`,
`contacts` made-up data; `search`, `search_fields`, `geo` filters; `shapes`, `detail`, `deeds` the property JSON;
`realestateapi`, `autocomplete`, `skiptrace`, `signalhouse`, `apollo`, `apollo_people` the vendors of data; `twilio` and
`signalhouse_messaging` those of texts, `texting` all texts, `numbers` what becomes of each, `outbox` the posts, `clock`
their time, `messaging` the sandbox's own endpoints about them; `mail_sink` a mail server, `mail_providers` Postmark,
SendGrid and Mailgun, `mailing` all e-mails, `mail_scripts` what becomes of each, `mail_bodies` and `mail_posts` what
comes back, `imap` a mailbox, `dns` a name server; `billing` ledger and pace; `faults` and `spoiling` failing on
purpose; `engine` and `server` the way from a socket to an answer; `cli` the flags.
"""

from sandbox.server import Sandbox, SandboxConfig, mail_secrets

__all__ = ["Sandbox", "SandboxConfig", "mail_secrets"]
