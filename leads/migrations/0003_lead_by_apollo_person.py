from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("leads", "0002_database_cascade")]
    operations = [
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                fields=["apollo_person_id"],
                condition=models.Q(("apollo_person_id__isnull", False)),
                name="lead_by_apollo_person",
            ),
        ),
    ]
