from django.urls import path

from accounts.api.views import LogoutView, ProfileView, TokenView

urlpatterns = [
    path("auth/token", TokenView.as_view(), name="token"),
    path("profile", ProfileView.as_view(), name="api_profile"),
    path("auth/logout", LogoutView.as_view(), name="logout"),
]
