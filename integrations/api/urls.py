from django.urls import path

from integrations.api.vendors import ConfirmPricesView, PriceView, VendorsView
from integrations.api.views import AutocompleteView, DetailView, SearchView, SkipTraceView
from integrations.api.webhook import ApolloWebhookView

urlpatterns = [
    path("property/search", SearchView.as_view(), name="property-search"),
    path("property/detail", DetailView.as_view(), name="property-detail"),
    path("property/autocomplete", AutocompleteView.as_view(), name="property-autocomplete"),
    path("apollo/webhook/<str:token>", ApolloWebhookView.as_view(), name="apollo-webhook"),
    path("vendors", VendorsView.as_view(), name="vendors"),
    path("vendors/<str:name>/confirm-prices", ConfirmPricesView.as_view(), name="vendor-confirm-prices"),
    path("vendors/<str:name>/price", PriceView.as_view(), name="vendor-price"),
    path("skip-trace", SkipTraceView.as_view(), name="skip-trace"),
]
