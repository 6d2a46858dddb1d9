from django.db import migrations, models

BALANCE = """
CREATE VIEW integrations_balance AS
SELECT b.scope,
       (b.reserved + coalesce(c.reserved, 0))::numeric(14, 4) AS reserved,
       (b.spent + coalesce(c.spent, 0))::numeric(14, 4) AS spent
  FROM integrations_budget b
  LEFT JOIN LATERAL (SELECT sum(reserved) AS reserved, sum(spent) AS spent
                       FROM integrations_budgetchange WHERE scope = b.scope) c ON true
"""


class Migration(migrations.Migration):
    dependencies = [("integrations", "0022_mail_catalogue")]

    operations = [
        migrations.CreateModel(
            name="BudgetChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scope", models.CharField(help_text="As a Budget's", max_length=100)),
                (
                    "reserved",
                    models.DecimalField(
                        decimal_places=4, help_text="Added to what is reserved, US dollars", max_digits=14
                    ),
                ),
                (
                    "spent",
                    models.DecimalField(decimal_places=4, help_text="Added to what is spent, US dollars", max_digits=14),
                ),
            ],
        ),
        migrations.RunSQL(BALANCE, "DROP VIEW integrations_balance"),
        migrations.CreateModel(
            name="Balance",
            fields=[
                (
                    "scope",
                    models.CharField(help_text="As a Budget's", max_length=100, primary_key=True, serialize=False),
                ),
                (
                    "reserved",
                    models.DecimalField(
                        decimal_places=4, help_text="Reserved for requests not settled yet", max_digits=14
                    ),
                ),
                ("spent", models.DecimalField(decimal_places=4, help_text="Settled", max_digits=14)),
            ],
            options={"managed": False},
        ),
    ]
