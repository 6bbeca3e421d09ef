"""Response headers that Django has no setting for."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

_UNUSED = ("browsing-topics", "camera", "display-capture", "geolocation", "microphone", "payment", "usb")
_HEADERS = {
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _UNUSED),
    "Cross-Origin-Resource-Policy": "same-origin",
}


class BrowserPolicyMiddleware(MiddlewareMixin):
    """Switches off what the product does not use, and keeps its pages out of other sites."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        del request
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response
