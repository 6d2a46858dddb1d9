"""What a program that keeps a copy of the leads must hear of is written down by the database, in the same transaction.

Statement by statement, not row by row: saving 100,000 ids writes one row. The functions are the application's role's to
run (as invoker), and name leads' own tables alone.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

# New leads: a bucket's ids from the lowest to the highest. bytea has a min(), uuid has none.
INSERTED = """
CREATE FUNCTION public.leads_inserted() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO public.leads_change (team_id, bucket_id, xid, at, first, last)
    SELECT c.team_id, c.bucket_id, pg_current_xact_id()::text::bigint, clock_timestamp(),
           encode(min(uuid_send(c.id)), 'hex')::uuid, encode(max(uuid_send(c.id)), 'hex')::uuid
      FROM changed c GROUP BY c.team_id, c.bucket_id;
    RETURN NULL;
END $$
"""
# Any other change of leads: their ids, 1,000 a row. {read}: a query of (team_id, id), each lead once.
CHANGED = """
CREATE FUNCTION public.{name}() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM changed) THEN
        RETURN NULL;  -- a cascade from a lead that has none of these
    END IF;
    INSERT INTO public.leads_change (team_id, xid, at, first, last, ids)
    SELECT p.team_id, pg_current_xact_id()::text::bigint, clock_timestamp(), p.ids[1], p.ids[cardinality(p.ids)], p.ids
      FROM (SELECT n.team_id, array_agg(n.id ORDER BY n.id) AS ids
              FROM (SELECT r.team_id, r.id, (row_number() OVER (PARTITION BY r.team_id ORDER BY r.id) - 1) / 1000 AS piece
                      FROM ({read}) r) n
             GROUP BY n.team_id, n.piece) p;
    RETURN NULL;
END $$
"""
READ = {
    "leads_changed": "SELECT c.team_id, c.id FROM changed c",
    # A tag put on or taken off, an activity written or blanked. A lead that is being deleted is told by its own row.
    "leads_changed_beside": "SELECT DISTINCT l.team_id, l.id FROM changed c JOIN public.leads_lead l ON l.id = c.lead_id",
    "leads_tag_renamed": "SELECT DISTINCT l.team_id, l.id FROM changed c JOIN public.leads_lead_tags t ON t.tag_id = c.id "
    "JOIN public.leads_lead l ON l.id = t.lead_id",
    # Whoever must not be contacted any more: every team's leads that have this phone, e-mail or owner.
    "leads_suppressed": "SELECT DISTINCT l.team_id, l.id FROM changed c "
    "JOIN public.leads_contactkey k ON k.kind = c.kind AND k.digest = c.digest "
    "JOIN public.leads_leadkey y ON y.key_id = k.id JOIN public.leads_lead l ON l.id = y.lead_id",
}
TRIGGERS = (
    ("leads_lead", "INSERT", "NEW", "leads_inserted"),
    ("leads_lead", "UPDATE", "NEW", "leads_changed"),
    ("leads_lead", "DELETE", "OLD", "leads_changed"),
    ("leads_lead_tags", "INSERT", "NEW", "leads_changed_beside"),
    ("leads_lead_tags", "DELETE", "OLD", "leads_changed_beside"),
    ("leads_activity", "INSERT", "NEW", "leads_changed_beside"),
    ("leads_activity", "UPDATE", "NEW", "leads_changed_beside"),
    ("leads_tag", "UPDATE", "NEW", "leads_tag_renamed"),
    ("leads_suppression", "INSERT", "NEW", "leads_suppressed"),
)


def trigger(table: str, what: str, which: str, function: str) -> migrations.RunSQL:
    name = f"told_on_{what.lower()}"
    return migrations.RunSQL(
        f"CREATE TRIGGER {name} AFTER {what} ON {table} REFERENCING {which} TABLE AS changed "
        f"FOR EACH STATEMENT EXECUTE FUNCTION public.{function}()",
        f"DROP TRIGGER {name} ON {table}",
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0017_agent_phone"), ("leads", "0049_board_indexes")]
    operations = [
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("xid", models.BigIntegerField(help_text="The transaction: rows are told in this order, once every older one is over")),
                ("at", models.DateTimeField(help_text="When the statement ran, by the database's clock")),
                ("first", models.UUIDField(help_text="The lowest id")),
                ("last", models.UUIDField(help_text="The highest id")),
                ("bucket_id", models.UUIDField(help_text="Of new leads: whose all ids in between are meant", null=True)),
                ("ids", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), help_text="Those that were touched; empty: see the bucket", null=True, size=None)),
                ("team", models.ForeignKey(db_constraint=False, db_index=False, help_text="Whose leads", on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="accounts.team")),
            ],
            options={
                "indexes": [
                    models.Index(fields=["team", "xid", "id"], name="change_in_turn"),
                    models.Index(fields=["team", "at"], include=["xid"], name="change_by_time"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=Q(("bucket_id__isnull", False), ("ids__isnull", True)) | Q(("bucket_id__isnull", True), ("ids__isnull", False)), name="change_names_its_leads"),
                    models.CheckConstraint(condition=Q(("first__lte", F("last"))), name="change_in_order"),
                ],
            },
        ),
        migrations.RunSQL(INSERTED, "DROP FUNCTION public.leads_inserted()"),
        *(
            migrations.RunSQL(CHANGED.format(name=name, read=read), f"DROP FUNCTION public.{name}()")
            for name, read in READ.items()
        ),
        *(trigger(*each) for each in TRIGGERS),
    ]
