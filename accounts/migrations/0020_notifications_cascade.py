from django.db import migrations

from common.db.migrations import OnDeleteInDatabase


class Migration(migrations.Migration):
    dependencies = [("accounts", "0019_notifications")]
    operations = [
        OnDeleteInDatabase("Notification", "team", "CASCADE"),
        OnDeleteInDatabase("Notification", "user", "CASCADE"),
        OnDeleteInDatabase("NoticeChoice", "user", "CASCADE"),
        OnDeleteInDatabase("NoticeMailbox", "user", "CASCADE"),
    ]
