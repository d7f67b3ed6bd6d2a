"""The one settings file. Every value comes from the environment or from a default that is safe."""

import tomllib
from pathlib import Path

from csp.constants import NONE, SELF
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

from saas import env as read

env = read.env

BASE_DIR = Path(__file__).resolve().parent.parent
PROJECT_FILE = (BASE_DIR / "pyproject.toml").read_text(encoding="utf-8")
VERSION = tomllib.loads(PROJECT_FILE)["project"]["version"]
DATA_DIR = Path(env.str("DATA_DIR", str(BASE_DIR / ".data"))).resolve()

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = read.secret("SECRET_KEY", default="debug-only-key" if DEBUG else None)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# What workspaces' own secrets are encrypted with: the first key writes, all of them read.
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEYS", default=[SECRET_KEY, *SECRET_KEY_FALLBACKS])
PUBLIC_URL = env.str("PUBLIC_URL", "http://localhost:8000").rstrip("/")
HTTPS = PUBLIC_URL.startswith("https://")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[PUBLIC_URL])
# Pages of these origins may call the API from a browser, with a key and never with cookies.
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/(?:v1|api)/"
# Those of OpenAI's own client for browsers among them; it says on what it runs.
CORS_ALLOW_HEADERS = [
    *("accept", "authorization", "content-type", "idempotency-key", "if-match", "last-event-id"),
    *("openai-beta", "openai-organization", "openai-project", "user-agent", "x-stainless-arch"),
    *("x-stainless-lang", "x-stainless-os", "x-stainless-package-version", "x-stainless-runtime"),
    *("x-stainless-retry-count", "x-stainless-runtime-version", "x-stainless-timeout"),
    "x-stainless-helper-method",
]
CORS_EXPOSE_HEADERS = ["X-Request-Id", "Retry-After", "RateLimit", "RateLimit-Policy", "ETag"]

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_cotton.apps.SimpleAppConfig",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "corsheaders",
    "rest_framework",
    "saas",
    "tenants",
    "tenants.jobs",
    "tenants.billing",
    "tenants.idempotency",
    "training",
    "recommendations",
    "generation",
]

MIDDLEWARE = [
    "tenants.middleware.ResetScopeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "saas.metrics.MetricsMiddleware",
    "saas.middleware.RequestIdMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "saas.middleware.ProblemMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "tenants.middleware.SessionActivityMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tenants.middleware.TenantMiddleware",
    "tenants.operators.OperatorMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
]

ROOT_URLCONF = "saas.urls"
ASGI_APPLICATION = "saas.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django_cotton.cotton_loader.Loader",
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "builtins": [
                "django_cotton.templatetags.cotton",
                "django.templatetags.i18n",
                "django.templatetags.static",
                "saas.templatetags.ui",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "saas.shell.shell",
            ],
        },
    }
]
COTTON_DIR = "cotton"

# Postgres: the app's role here; `migrate` and `flush` take DATABASE_OWNER_URL instead.
DATABASE_URL = read.secret("DATABASE_URL")
DATABASE_OWNER_URL = env.str("DATABASE_OWNER_URL", "")
DATABASES = {"default": {**read.database(DATABASE_URL), "ENGINE": "tenants.postgres"}}
if env.bool("DATABASE_POOL", True):
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
        "min_size": 1,
        "max_size": env.int("DATABASE_POOL_SIZE", 16),
        "timeout": 10,
        # Soon given up, so that the next request tries anew: pauses between tries would grow.
        "reconnect_timeout": 4,
    }
# A connection that broke while it lay in the pool is replaced before anybody is given it.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = read.secret("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "kindling",
    }
}

CELERY_BROKER_URL = read.celery_broker(REDIS_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
    # A request must not wait for a broker that is gone, or hangs.
    "socket_connect_timeout": 2,
    "socket_timeout": 2,
}
# Time enough to load a large model before the first job.
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 600
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"

# So long may the worker that holds a job be silent before another one takes it.
JOB_LEASE_SECONDS = 30

# Accounts
AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": name}
    for name in (
        "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "django.contrib.auth.password_validation.MinimumLengthValidator",
        "django.contrib.auth.password_validation.CommonPasswordValidator",
        "django.contrib.auth.password_validation.NumericPasswordValidator",
        "tenants.validators.MaximumLengthValidator",
        "tenants.validators.ProductNameValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "tenants.allauth_adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "tenants.forms.WorkspaceSignupForm"
# Only where an address is confirmed first can sign-up answer alike for known and unknown ones.
ACCOUNT_EMAIL_VERIFICATION = read.choice(
    "EMAIL_VERIFICATION", ("mandatory", "optional"), "mandatory"
)
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
# The way in for whom others keep out by wrong passwords; a second factor is asked for as ever.
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_FORMS = {"signup": "tenants.sign_up.SignupForm"}
# Of second factors; the adapter has the limits of passwords.
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key,30/d/key"}
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ACCOUNT_SESSION_REMEMBER = True
MFA_ADAPTER = "tenants.allauth_adapter.MfaAdapter"
MFA_FORMS = {
    "authenticate": "tenants.second_factor.AuthenticateForm",
    "reauthenticate": "tenants.second_factor.ReauthenticateForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
USERSESSIONS_TRACK_ACTIVITY = True

EMAIL_BACKEND = "tenants.mailbox.FolderBackend"
MAIL_FOLDER = DATA_DIR / "mail"
if env.str("EMAIL_URL", ""):
    EMAIL_CONFIG = env.email_url("EMAIL_URL")
    vars().update(EMAIL_CONFIG)
# Shows everybody's mails to anybody.
MAILBOX = read.local_only("MAILBOX", PUBLIC_URL)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "Kindling <hello@localhost>")

# Security
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "saas.errors.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# The operators' admin
UNFOLD = {
    "SITE_TITLE": "Kindling",
    "SITE_HEADER": _("Kindling operators"),
    "SITE_SYMBOL": "local_fire_department",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("img/logo.svg")}
    ],
    "SIDEBAR": {"show_search": True, "show_all_applications": True},
}

# Languages and static files
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "saas" / "locale"]
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "saas.formats"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "saas.storage.DurableStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "saas.static_files.ManifestStorage"
        )
    },
}
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", str(DATA_DIR / "media")))
FILE_UPLOAD_PERMISSIONS = 0o640

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["saas.api.parsers.StrictJSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["saas.api.filters.StrictFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "saas.api.pagination.CursorPagination",
    "DEFAULT_SCHEMA_CLASS": "saas.api.schema.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["saas.api.throttling.TenantThrottle"],
    "EXCEPTION_HANDLER": "saas.errors.api_exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Kindling API",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": r"/(api/)?v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "VariantState": "generation.models.Variant.State",
        "JobState": "tenants.jobs.models.Job.State",
        "VariantWriter": "generation.models.Variant.Writer",
        "EndpointWriter": "generation.models.Endpoint.Writer",
    },
    "PREPROCESSING_HOOKS": ["saas.api.schema.without_last_slash"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "saas.api.schema.add_problems",
    ],
}
# What a workspace may have and do, where it is not what the apps say: LIMIT_BRANDS=50.
LIMITS = read.limits()
# For how many days rows are kept, where it is not what the apps say: RETENTION_JOBS=90.
RETENTION = read.retention()
FREE_WORKSPACES_PER_PERSON = env.int("FREE_WORKSPACES_PER_PERSON", 3)
# Accounts and workspaces that are made from one address in a day.
SIGN_UPS_PER_ADDRESS = env.int("SIGN_UPS_PER_ADDRESS", 20)

# The engine
ENGINE = read.choice("ENGINE", ("local", "openai", "echo"), "local")
BASE_MODEL = Path(env.str("BASE_MODEL", str(DATA_DIR / "models" / "smollm2-135m-instruct")))
ENGINE_OPTIONS: dict[str, object] = {
    "local": {
        "model": BASE_MODEL,
        "rows": env.int("ENGINE_ROWS", 8),
        "rows_per_tenant": env.int("ENGINE_ROWS_PER_WORKSPACE", 0),
        "device": read.choice("ENGINE_DEVICE", ("cpu", "cuda"), "cpu"),
    },
    "openai": {
        "base_url": env.str("OPENAI_BASE_URL", ""),
        "api_key": env.str("OPENAI_API_KEY", ""),
        "model": env.str("OPENAI_MODEL", ""),
        "dialect": read.choice("OPENAI_DIALECT", ("openai", "vllm"), "openai"),
    },
    "echo": {},
}[ENGINE]
# Parameters from which on the local base writes a text in one answer instead of line by line.
GUIDED_WRITER_BELOW = env.int("GUIDED_WRITER_BELOW", 1_000_000_000)

# Adapters: how large they may be, and where each engine keeps copies.
# The largest file of rows that a dataset takes.
MAX_DATASET_BYTES = env.int("MAX_DATASET_MB", 256) * 2**20
# Cores that a training run may use; writing has the others.
TRAINING_THREADS = env.int("TRAINING_THREADS", 1)
MAX_ADAPTER_BYTES = env.int("MAX_ADAPTER_MB", 128) * 2**20
ADAPTER_CACHE = Path(env.str("ADAPTER_CACHE", str(DATA_DIR / "cache" / "adapters")))
ADAPTER_CACHE_SIZE = env.int("ADAPTER_CACHE_SIZE", 256)

# Heads that sort texts and find things in them: copies, and the encoder for many languages.
HEAD_CACHE = Path(env.str("HEAD_CACHE", str(DATA_DIR / "cache" / "heads")))
HEAD_CACHE_SIZE = env.int("HEAD_CACHE_SIZE", 256)
# Of the process that answers with them: its threads, and how many heads it keeps in memory.
PREDICTOR_THREADS = env.int("PREDICTOR_THREADS", 1)
PREDICTOR_HEADS = env.int("PREDICTOR_HEADS", 32)
MULTILINGUAL_ENCODER = Path(
    env.str("MULTILINGUAL_ENCODER", str(DATA_DIR / "models" / "multilingual-e5-small"))
)

# Networks besides the public internet in which workspaces may have their own model servers.
ENDPOINT_NETWORKS = read.networks("ENDPOINT_NETWORKS")

# Numbers for Prometheus: from each worker's own port, and from the web to whoever has the token.
METRICS_PORT = env.int("METRICS_PORT", 0)
METRICS_HOST = env.str("METRICS_HOST", "127.0.0.1")
METRICS_TOKEN = read.secret("METRICS_TOKEN", default="", optional=True)

LOGGING_CONFIG = "tenants.logs.configure"
LOGGING = {"level": env.str("LOG_LEVEL", "INFO"), "json": env.bool("LOG_JSON", not DEBUG)}
