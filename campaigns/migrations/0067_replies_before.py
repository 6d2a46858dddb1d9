"""Of campaigns begun before messages kept it: which message was the last before a person replied or opted out,
so that results by text go on to count them. Their first word after it tells when; where none is known, its sending.
"""

from django.db import migrations

MARK = """
UPDATE campaigns_delivery d
   SET {column} = coalesce(
           (SELECT min(i.received_at) FROM campaigns_incomingmessage i
             WHERE i.key_id = d.key_id AND i.received_at >= d.intended_at),
           d.intended_at)
  FROM (SELECT DISTINCT ON (m.id) sent.id
          FROM campaigns_member m JOIN campaigns_delivery sent ON sent.member_id = m.id
         WHERE m.why = '{why}' AND sent.intended_at IS NOT NULL
         ORDER BY m.id, sent.intended_at DESC, sent.id DESC) last
 WHERE d.id = last.id AND d.{column} IS NULL
"""
MARKS = [MARK.format(column=f"{why}_at", why=why) for why in ("replied", "opted_out")]


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0066_snippets")]

    operations = [migrations.RunSQL(one, migrations.RunSQL.noop) for one in MARKS]
