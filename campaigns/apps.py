from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"

    def ready(self) -> None:
        from django.core.checks import Tags, register

        from buckets.models import Bucket
        from campaigns.admin import leads
        from campaigns.booking import registering as booking
        from campaigns.dialing import registering as dialing
        from campaigns.gate.lead import JUDGE
        from campaigns.gate.talks import TALKS
        from campaigns.inbound import registering as inbound
        from campaigns.previews import registering as previews
        from campaigns.rule_table.checks import check_holidays
        from campaigns.running import needs
        from campaigns.sending import registering as sending
        from campaigns.voice import registering as voice
        from common.admin_extensions import extend
        from common.needs import needs_attention
        from leads.models import Lead
        from leads.registries import judge_contacts_with, tell_talks_with

        register(check_holidays, Tags.database)
        extend(Lead, leads.EXTENSION)
        extend(Bucket, leads.BUCKETS)
        judge_contacts_with(JUDGE)
        tell_talks_with(TALKS)
        needs_attention(35, needs.words_waiting)
        needs_attention(55, needs.campaigns_waiting)
        previews.register()
        sending.register()
        inbound.register()
        dialing.register()
        booking.register()
        voice.register()
