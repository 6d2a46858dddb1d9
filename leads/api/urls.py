from django.urls import path

from leads.api.views import ActivitiesView, CallbacksView, CallbackView, LeadTagsView, TagsView, TagView

urlpatterns = [
    path("leads/<uuid:lead_id>/activities", ActivitiesView.as_view(), name="lead-activities"),
    path("leads/<uuid:lead_id>/callback", CallbackView.as_view(), name="lead-callback"),
    path("leads/<uuid:lead_id>/tags", LeadTagsView.as_view(), name="lead-tags"),
    path("callbacks", CallbacksView.as_view(), name="callbacks"),
    path("tags", TagsView.as_view(), name="tags"),
    path("tags/<uuid:tag_id>", TagView.as_view(), name="tag"),
]
