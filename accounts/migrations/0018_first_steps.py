

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0017_agent_phone'),
    ]

    operations = [
        migrations.AddField(
            model_name='membership',
            name='hides_steps',
            field=models.BooleanField(db_default=False, default=False, editable=False, help_text='She has put the first steps on Home away'),
        ),
    ]
