"""Settings for `tests.serve.toy`: Django with static files and nothing else."""

from betterchat.settings import *  # noqa: F403

INSTALLED_APPS = ["betterchat", "django.contrib.staticfiles"]
MIDDLEWARE = ["betterchat.middleware.StaticFilesMiddleware"]
ROOT_URLCONF = "tests.serve"  # no pages
ASGI_APPLICATION = "tests.serve.toy.application"
STATICFILES_DIRS = [BASE_DIR / "tests" / "serve" / "built"]  # noqa: F405
