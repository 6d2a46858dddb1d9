"""What a lead is found by, kept by PostgreSQL itself; indexes for sorted pages; when an owner was last contacted.

`leads_lead.search` is a stored generated column: whoever writes a lead, by COPY or by UPDATE, need not know of it. It
is null for a lead that is an id and nothing else, so that saving ids costs no more. Django does not know the column:
its queries name it by hand (leads/selection/search.py), and no SELECT fetches it. PostgreSQL refuses to change the type
of a column it is made of; a later migration that must do so drops it first and adds it again.
"""

from django.db import migrations, models

# Lower case without accents and apostrophes, everything else that is no letter and no digit as a space. `unaccent` is
# not IMMUTABLE because a person could edit its rules; ours are those that come with it. The first branch is for the
# plain English of nearly every row, and halves the time. Names are qualified: a restore has no search path.
PLAIN = r"""
CREATE FUNCTION public.leads_plain(said text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    low text := lower(said);
BEGIN
    IF low !~ '[^a-z0-9 ]' THEN
        RETURN low;
    END IF;
    low := lower(public.unaccent('public.unaccent'::regdictionary, low));
    RETURN regexp_replace(regexp_replace(low, '[.''’‘`´ʼ]', '', 'g'), '[^[:alnum:] ]', ' ', 'g');
END $$
"""
# Words as they are, and with a letter before it what is looked for as a whole or by its beginning: a: APN, w: the street
# line, n: the last name, all without spaces; p: a phone, r: the same backwards (its last digits); e: an e-mail,
# d: its domain. `:` is in no word, so that none of these is ever found as one: phones and e-mails are only for who may
# see them.
KEYS = r"""
CREATE FUNCTION public.leads_search(
    apn text, owner_name text, second_owner_name text, first_name text, last_name text, contact_name text,
    address text, city text, state text, zip text, county text, phone text, secondary_phone text, email text,
    others jsonb
) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    street text := public.leads_plain(address);
    surname text := public.leads_plain(last_name);
    more text;
BEGIN
    IF others IS NOT NULL THEN
        SELECT string_agg(
                   CASE WHEN f.key = 'email' THEN
                            concat_ws(' ', 'e:' || lower(v.said), 'd:' || split_part(lower(v.said), '@', 2))
                        WHEN f.key IN ('phone', 'secondary_phone') THEN
                            concat_ws(' ', 'p:' || substr(v.said, 2), 'r:' || reverse(substr(v.said, 2)))
                        ELSE public.leads_plain(v.said) END, ' ')
          INTO more
          FROM jsonb_each(others) f, jsonb_array_elements(f.value) e,
               LATERAL (SELECT left(e ->> 'value', 254) AS said) v
         WHERE f.key IN ('email', 'phone', 'secondary_phone', 'owner_name', 'last_name', 'first_name')
           AND jsonb_typeof(f.value) = 'array';
    END IF;
    RETURN array_to_tsvector(array_remove(string_to_array(concat_ws(
        ' ', street, surname,
        public.leads_plain(concat_ws(' ', owner_name, second_owner_name, first_name, contact_name, city, state, zip,
                                     county)),
        'a:' || replace(public.leads_plain(apn), ' ', ''), 'w:' || replace(street, ' ', ''),
        'n:' || replace(surname, ' ', ''),
        'p:' || substr(phone, 2), 'r:' || reverse(substr(phone, 2)),
        'p:' || substr(secondary_phone, 2), 'r:' || reverse(substr(secondary_phone, 2)),
        'e:' || lower(email), 'd:' || split_part(lower(email), '@', 2), more), ' '), ''));
END $$
"""
COLUMNS = (
    "apn, owner_name, second_owner_name, first_name, last_name, contact_name, property_address, property_city, "
    "property_state, property_zip, property_county, phone, secondary_phone, email, other_facts"
)
COLUMN = f"""
ALTER TABLE leads_lead ADD COLUMN search tsvector GENERATED ALWAYS AS (
    CASE WHEN num_nonnulls({COLUMNS}) > 0 THEN public.leads_search({COLUMNS}) END) STORED
"""  # noqa: S608
# The owner and the bucket first: a word that a million leads of others hold costs nothing. `gin_pending_list_limit`, in
# kB: rows an import has just brought lie in a list that each search reads whole; at 1 MB that is 3 ms (measured).
INDEX = """
CREATE INDEX lead_by_words ON leads_lead USING gin (owner_id, bucket_id, search)
    WITH (gin_pending_list_limit = 1024) WHERE search IS NOT NULL
"""
CONTACTED = """
UPDATE leads_lead l SET last_contact_at = a.latest
  FROM (SELECT lead_id, max(created_at) AS latest FROM leads_activity WHERE kind IN ('call', 'sms', 'email')
         GROUP BY lead_id) a
 WHERE l.id = a.lead_id AND l.last_contact_at IS NULL
"""
SORTED = ("estimated_equity", "estimated_value", "last_contact_at", "callback_at")
NAMES = {
    "estimated_equity": "lead_by_equity",
    "estimated_value": "lead_by_value",
    "last_contact_at": "lead_by_last_contact",
    "callback_at": "lead_by_callback",
}
GONE = (
    "lead_by_address", "lead_by_apn", "lead_by_owner_name", "lead_by_last_name", "lead_by_phone",
    "lead_by_second_phone", "lead_by_email",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("leads", "0011_identity_cascade")]
    operations = [
        *(migrations.RemoveIndex("lead", name) for name in GONE),
        migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public", migrations.RunSQL.noop),
        migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public", migrations.RunSQL.noop),
        migrations.RunSQL(PLAIN, "DROP FUNCTION public.leads_plain(text)"),
        migrations.RunSQL(KEYS, "DROP FUNCTION public.leads_search"),
        migrations.RunSQL(CONTACTED, migrations.RunSQL.noop),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),  # else the ALTER is refused
        migrations.RunSQL(COLUMN, "ALTER TABLE leads_lead DROP COLUMN search"),
        migrations.RunSQL(INDEX, "DROP INDEX lead_by_words"),
        *(
            migrations.AddIndex(
                "lead",
                models.Index(
                    fields=["bucket", name, "id"],
                    condition=models.Q((f"{name}__isnull", False)),
                    name=NAMES[name],
                ),
            )
            for name in SORTED
        ),
    ]
