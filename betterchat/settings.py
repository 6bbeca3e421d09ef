"""Settings, read from the environment and the data folder. `.env.example` lists what can be set."""

from pathlib import Path
from urllib.parse import urlsplit

from django.utils.csp import CSP

from accounts import issuers
from betterchat import datafolder
from betterchat.core import env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.path("BETTERCHAT_DATA_DIR", BASE_DIR / "data")
DEBUG = False

# --- Addresses -----------------------------------------------------------------------------------
# Cookie names follow the scheme: browsers refuse `__Host-` and Secure cookies over plain HTTP.
PUBLIC_URL = env.text("BETTERCHAT_URL").rstrip("/")
_public = urlsplit(PUBLIC_URL)
HTTPS = _public.scheme == "https"
ALLOWED_HOSTS = datafolder.own_hosts() + env.words("BETTERCHAT_HOSTS")
if _public.hostname:
    ALLOWED_HOSTS.append(_public.hostname)
    CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
if env.flag("BETTERCHAT_TRUST_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True

# --- Secrets -------------------------------------------------------------------------------------
SECRET_KEY = datafolder.secret(DATA_DIR, "SECRET_KEY")
MASTER_KEYS = datafolder.master_keys(DATA_DIR)

# --- Databases -----------------------------------------------------------------------------------
DATABASE_URL = env.text("DATABASE_URL") or datafolder.embedded_database_url(DATA_DIR)
DATABASE_URL_DIRECT = env.text("DATABASE_URL_DIRECT") or DATABASE_URL
REDIS_URL = env.text("REDIS_URL") or datafolder.embedded_redis_url(DATA_DIR)

DATABASES = {
    "default": datafolder.django_database(DATABASE_URL, pool_size_max=env.number("DATABASE_POOL", 16))
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "chat.sockets.layer.RoomLayer",
        # Without `socket_timeout: None` redis-py 8 ends an idle socket's blocking read after 5 s,
        # and with it the websocket that waits for it.
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}], "prefix": "betterchat"},
    }
}

# --- Applications --------------------------------------------------------------------------------
INSTALLED_APPS = [
    "chat",
    "providers",
    "mcp_integration",
    "accounts",
    "betterchat",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "procrastinate.contrib.django",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.github",
    "allauth.socialaccount.providers.google",
    "allauth.socialaccount.providers.openid_connect",
    "django_htmx",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "betterchat.middleware.StaticFilesMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "betterchat.headers.BrowserPolicyMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.EntranceMiddleware",
    "accounts.middleware.LeavingMiddleware",
    "accounts.middleware.SeenMiddleware",
    "accounts.middleware.FactorMiddleware",
    "accounts.middleware.TimeZoneMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "betterchat.urls"
ASGI_APPLICATION = "betterchat.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context_processors.entrance",
            ],
        },
    }
]
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static" / "dist"]

# --- Time and language ---------------------------------------------------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

# --- Accounts ------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "display_name")},
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "/"
ADMIN_EMAIL = env.text("ADMIN_EMAIL").lower()
REGISTRATION = env.choice("REGISTRATION", ("open", "invitation", "closed"))
GUESTS_ALLOWED = env.flag("GUESTS_ALLOWED", default=True)
GUESTS_PER_ADDRESS_AND_HOUR = env.number("GUESTS_PER_ADDRESS_AND_HOUR", 30)

MAIL_IS_SET_UP = bool(env.text("EMAIL_HOST"))
MAILERS = {
    "default": {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": env.text("EMAIL_HOST"),
            "port": env.number("EMAIL_PORT", 587),
            "username": env.text("EMAIL_HOST_USER"),
            "password": env.text("EMAIL_HOST_PASSWORD"),
            "use_tls": env.flag("EMAIL_USE_TLS", default=not env.flag("EMAIL_USE_SSL")),
            "use_ssl": env.flag("EMAIL_USE_SSL"),
            "timeout": 20,
        },
    }
    if MAIL_IS_SET_UP
    else {"BACKEND": "accounts.mail.ConsoleBackend"}
}
DEFAULT_FROM_EMAIL = env.text(
    "DEFAULT_FROM_EMAIL", f"Better Chat <betterchat@{_public.hostname or 'localhost'}>"
)

ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# Without mail, codes reach the operator's console only: a new account must do without one, and a
# password is the only way back in.
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1" if MAIL_IS_SET_UP else "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if MAIL_IS_SET_UP else "none"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = MAIL_IS_SET_UP
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ALLAUTH_USER_CODE_FORMAT = {"numeric": True, "length": 6, "dashed": False}
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 10 * 60
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT = 10 * 60
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_AUTHENTICATED_LOGIN_REDIRECTS = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
# By address and by e-mail ("key"), counted in Valkey, for all web processes together. Six digits and
# three tries a code need the hourly limit.
ACCOUNT_RATE_LIMITS = {
    "signup": "10/m/ip,60/h/ip",
    "request_login_code": "20/m/ip,3/m/key,12/h/key",
    "reset_password": "20/m/ip,3/m/key,12/h/key",
    "login_failed": "10/m/ip,5/5m/key",
}
ACCOUNT_FORMS = {
    "login": "accounts.forms.LoginForm",
    "signup": "accounts.forms.SignupForm",
    "request_login_code": "accounts.forms.RequestLoginCodeForm",
    "confirm_login_code": "accounts.forms.ConfirmLoginCodeForm",
    "confirm_email_verification_code": "accounts.forms.ConfirmAddressForm",
    "confirm_password_reset_code": "accounts.forms.ConfirmResetForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "add_email": "accounts.forms.AddAddressForm",
}
SOCIALACCOUNT_ADAPTER = "accounts.social.SocialAdapter"
SOCIALACCOUNT_PROVIDERS = issuers.from_environment()
# An address that the issuer vouches for opens the account that has it: the operator chose the issuer.
SOCIALACCOUNT_EMAIL_AUTHENTICATION = SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_EMAIL_REQUIRED = True
SOCIALACCOUNT_FORMS = {"signup": "accounts.forms.SocialSignupForm"}
# Whom a second factor is required of; the admin can require it of single people too.
MFA_REQUIRED = env.choice("MFA_REQUIRED", ("nobody", "operators", "everybody"))
MFA_ADAPTER = "accounts.factors.FactorsAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "Better Chat"
MFA_TOTP_TOLERANCE = 1
# Without mail no address can be confirmed.
MFA_ALLOW_UNVERIFIED_EMAIL = not MAIL_IS_SET_UP
MFA_FORMS = {
    "authenticate": "accounts.forms.FactorForm",
    "reauthenticate": "accounts.forms.FactorAgainForm",
    "activate_totp": "accounts.forms.ActivateAppForm",
    "add_webauthn": "accounts.forms.AddPasskeyForm",
    "authenticate_webauthn": "accounts.forms.PasskeyForm",
    "login_webauthn": "accounts.forms.PasskeySignInForm",
    "reauthenticate_webauthn": "accounts.forms.PasskeyAgainForm",
}
if env.flag("BETTERCHAT_TRUST_PROXY"):
    ALLAUTH_TRUSTED_PROXY_COUNT = 1

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "betterchat",
    }
}

# --- Security ------------------------------------------------------------------------------------
_cookie_prefix = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{_cookie_prefix}betterchat_session"
SESSION_COOKIE_AGE = 60 * 24 * 60 * 60
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = f"{_cookie_prefix}betterchat_csrf"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = False
CSRF_COOKIE_SAMESITE = "Lax"
# Redirecting needs to know the scheme the browser used, which only a trusted proxy can tell.
SECURE_SSL_REDIRECT = HTTPS and env.flag("BETTERCHAT_TRUST_PROXY")
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
# Other names under this host, and the browsers' preload lists, are not ours to decide about.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "worker-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    "object-src": [CSP.NONE],
}


# --- Chat ----------------------------------------------------------------------------------------
MESSAGE_CHARACTERS_MAX = env.number("MESSAGE_CHARACTERS_MAX", 32_000)
ANSWER_CHARACTERS_MAX = env.number("ANSWER_CHARACTERS_MAX", 1_000_000)
QUEUED_TURNS_MAX = env.number("QUEUED_TURNS_MAX", 20)
TRASH_DAYS = env.number("TRASH_DAYS", 30)
# Private `host:port` addresses that people may enter as servers of their own.
OUTBOUND_ALLOWED_HOSTS = env.words("OUTBOUND_ALLOWED_HOSTS")
PROVIDER_SILENCE_SECONDS = env.number("PROVIDER_SILENCE_SECONDS", 60)
PROVIDER_STALLED_SECONDS = env.number("PROVIDER_STALLED_SECONDS", 20)  # then people are told of the silence
PROVIDER_TOTAL_SECONDS = env.number("PROVIDER_TOTAL_SECONDS", 3600)
PROVIDER_BYTES_MAX = env.number("PROVIDER_BYTES_MAX", 64 * 1024 * 1024)
DEMO_TOKENS_PER_SECOND = env.number("DEMO_TOKENS_PER_SECOND", 32)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"outage": {"()": "betterchat.outage.OneLine"}},
    "formatters": {"plain": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "plain"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "loggers": {
        "procrastinate": {"level": "WARNING"},
        # Addresses of requests may hold one-time tokens, and scanners ask for thousands.
        "django.request": {"level": "ERROR", "filters": ["outage"]},
        # Told to the client as 400; scanners would fill the log with tracebacks.
        "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
    },
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
}
