from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts.selectors import all_teams
        from common.admin_teams import list_teams_with

        list_teams_with(all_teams)
        from accounts.webhooks.selectors import turned_off
        from common.needs import needs_attention

        needs_attention(45, turned_off)
