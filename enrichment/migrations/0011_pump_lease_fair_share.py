"""Lane is called PumpLease and Turn FairShare. Permissions that groups and users hold go with them."""

import django.db.models.deletion
from django.db import migrations, models

NAMES = {"lane": ("pumplease", "pump lease"), "turn": ("fairshare", "fair share")}


def _rename(names):
    def run(apps, schema_editor):
        permissions = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="enrichment")
        for old, (new, words) in names.items():
            for action in ("add", "change", "delete", "view"):
                permissions.filter(codename=f"{action}_{new}").delete()
                permissions.filter(codename=f"{action}_{old}").update(
                    codename=f"{action}_{new}", name=f"Can {action} {words}"
                )

    return run


class Migration(migrations.Migration):
    dependencies = [("enrichment", "0010_run_prices"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        migrations.RenameModel("Lane", "PumpLease"),
        migrations.RemoveConstraint("turn", "turn_once_per_stage"),
        migrations.RenameIndex("turn", new_name="fair_share_by_owner", old_name="turn_by_owner"),
        migrations.RenameModel("Turn", "FairShare"),
        migrations.AlterField(
            "fairshare",
            "run",
            models.ForeignKey(
                help_text="Which run",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="fair_shares",
                to="enrichment.run",
            ),
        ),
        migrations.AddConstraint(
            "fairshare", models.UniqueConstraint(fields=("run", "stage"), name="fair_share_once_per_stage")
        ),
        migrations.AlterField(
            model_name='run',
            name='cap_scope',
            field=models.CharField(blank=True, help_text="The budget of the cap that paused it: its own, a day's or a month's", max_length=100),
        ),
        migrations.RunPython(_rename(NAMES), _rename({new: (old, old) for old, (new, _) in NAMES.items()})),
    ]
