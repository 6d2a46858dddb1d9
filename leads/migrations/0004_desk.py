import common.db.ids
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0003_lead_by_apollo_person"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Disclosure",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=common.db.ids.uuid7,
                        editable=False,
                        help_text="UUIDv7: id order is age order",
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "what",
                    models.CharField(
                        choices=[("unmask", "Shown"), ("export", "Exported")],
                        help_text="Seen, or taken away as a file",
                        max_length=6,
                    ),
                ),
                (
                    "via",
                    models.CharField(
                        choices=[("admin", "Admin"), ("api", "API"), ("command", "Command")],
                        help_text="By which door",
                        max_length=7,
                    ),
                ),
                ("lead_id", models.UUIDField(blank=True, help_text="Of which lead, where it was one", null=True)),
                ("bucket_id", models.UUIDField(blank=True, help_text="Of which bucket, where it was one", null=True)),
                (
                    "leads",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="How many leads; empty: an export that did not begin, or was killed in between",
                        null=True,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, help_text="When; an export: when it began")),
            ],
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=common.db.ids.uuid7,
                        editable=False,
                        help_text="UUIDv7: id order is age order",
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, help_text="When the row was made")),
                ("updated_at", models.DateTimeField(auto_now=True, help_text="When the row was last changed")),
                ("name", models.CharField(help_text="What they call it", max_length=50)),
                (
                    "query",
                    models.CharField(help_text="The filters, as the list's address carries them", max_length=1000),
                ),
            ],
        ),
        migrations.AlterModelOptions(
            name="lead",
            options={"permissions": [("view_contact_details", "Can see and export phones and e-mails")]},
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("status", "new"), _negated=True),
                fields=["owner", "status", "id"],
                name="lead_of_owner_by_status",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("enrichment_status", "pending"), _negated=True),
                fields=["owner", "enrichment_status", "id"],
                name="lead_of_owner_by_enrichment",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                models.F("owner"),
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("property_address"), name="text_pattern_ops"
                ),
                condition=models.Q(("property_address__isnull", False)),
                name="lead_by_address",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                models.F("owner"),
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("apn"), name="text_pattern_ops"
                ),
                condition=models.Q(("apn__isnull", False)),
                name="lead_by_apn",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                models.F("owner"),
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("owner_name"), name="text_pattern_ops"
                ),
                condition=models.Q(("owner_name__isnull", False)),
                name="lead_by_owner_name",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                models.F("owner"),
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("last_name"), name="text_pattern_ops"
                ),
                condition=models.Q(("last_name__isnull", False)),
                name="lead_by_last_name",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                models.F("owner"),
                django.contrib.postgres.indexes.OpClass(models.F("phone"), name="text_pattern_ops"),
                condition=models.Q(("phone__isnull", False)),
                name="lead_by_phone",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                models.F("owner"),
                django.contrib.postgres.indexes.OpClass(models.F("secondary_phone"), name="text_pattern_ops"),
                condition=models.Q(("secondary_phone__isnull", False)),
                name="lead_by_second_phone",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                models.F("owner"),
                django.contrib.postgres.indexes.OpClass(models.F("email"), name="text_pattern_ops"),
                condition=models.Q(("email__isnull", False)),
                name="lead_by_email",
            ),
        ),
        migrations.AddField(
            model_name="disclosure",
            name="by",
            field=models.ForeignKey(
                db_index=False,
                help_text="Who",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="savedview",
            name="owner",
            field=models.ForeignKey(
                help_text="Whose view it is",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="disclosure",
            constraint=models.CheckConstraint(
                condition=models.Q(("what__in", ["unmask", "export"])), name="disclosure_what_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="disclosure",
            constraint=models.CheckConstraint(
                condition=models.Q(("via__in", ["admin", "api", "command"])), name="disclosure_via_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="disclosure",
            constraint=models.CheckConstraint(
                condition=models.Q(("what", "export"), ("leads__isnull", False), _connector="OR"),
                name="disclosure_unmask_has_count",
            ),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(
                models.F("owner"), django.db.models.functions.text.Lower("name"), name="view_once_per_owner"
            ),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="view_has_name"),
        ),
    ]
