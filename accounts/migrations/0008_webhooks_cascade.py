from django.db import migrations

from common.db.migrations import OnDeleteInDatabase


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_webhooks")]
    operations = [OnDeleteInDatabase("WebhookDelivery", "endpoint", "CASCADE")]
