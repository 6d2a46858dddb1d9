"""E-mails of before count as typed by their users, who confirm them on their profile: but those to which the invitation
was sent that they came by, and those of people who have done nothing here yet.
"""

from django.db import migrations

TYPED = """
INSERT INTO account_emailaddress (user_id, email, verified, "primary")
SELECT u.id, lower(u.email), false, false FROM accounts_user u
 WHERE u.email <> ''
   AND (u.last_login IS NOT NULL
        OR EXISTS (SELECT FROM knox_authtoken t WHERE t.user_id = u.id)
        OR EXISTS (SELECT FROM accounts_auditevent e WHERE e.user_id = u.id))
   AND NOT EXISTS (SELECT FROM accounts_invitation i
                    WHERE i.accepted_by_id = u.id AND lower(i.email) = lower(u.email))
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0015_sign_outs"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("knox", "0009_extend_authtoken_field"),
    ]
    operations = [migrations.RunSQL(TYPED, migrations.RunSQL.noop)]
