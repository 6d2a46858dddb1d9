"""Purse is called Budget. Permissions that groups and users hold go with it."""

from django.db import migrations, models
from django.db.models import Q


def _rename(old, new):
    def run(apps, schema_editor):
        permissions = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="integrations")
        for action in ("add", "change", "delete", "view"):
            permissions.filter(codename=f"{action}_{new}").delete()
            permissions.filter(codename=f"{action}_{old}").update(codename=f"{action}_{new}", name=f"Can {action} {new}")

    return run


class Migration(migrations.Migration):
    dependencies = [("integrations", "0011_policy_known"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        migrations.RemoveConstraint("purse", "purse_reserved_not_negative"),
        migrations.RemoveConstraint("purse", "purse_spent_not_negative"),
        migrations.RenameModel("Purse", "Budget"),
        migrations.AddConstraint(
            "budget", models.CheckConstraint(condition=Q(reserved__gte=0), name="budget_reserved_not_negative")
        ),
        migrations.AddConstraint(
            "budget", models.CheckConstraint(condition=Q(spent__gte=0), name="budget_spent_not_negative")
        ),
        migrations.AlterField(
            model_name='phonereveal',
            name='holds',
            field=models.JSONField(default=dict, help_text='What is reserved where: {budget scope: amount}'),
        ),
        migrations.AlterField(
            model_name='vendorcall',
            name='holds',
            field=models.JSONField(default=dict, help_text='What was reserved where: {budget scope: amount}'),
        ),
        migrations.AlterField(
            model_name='operation',
            name='batch_refused_at',
            field=models.DateTimeField(blank=True, help_text='When the key was refused at the batch endpoint: since then one input a request', null=True),
        ),
        migrations.RunPython(_rename("purse", "budget"), _rename("budget", "purse")),
    ]
