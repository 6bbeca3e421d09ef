"""Settings of an installation whose front end was never built."""

from tests.serve.toy_settings import *  # noqa: F403

STATICFILES_DIRS = [BASE_DIR / "static" / "missing"]  # noqa: F405
