"""One settings file; everything that differs between places comes from the environment.

READERSTUDY_DEBUG=1            development: built-in keys, plain HTTP, Django's debug pages. Default 0.
READERSTUDY_SECRET_KEY         signs sessions. Required when not in development.
READERSTUDY_PSEUDONYM_KEY      turns patient ids into pseudonyms. Required when not in development. Keep it, secretly.
                               In development a random one is made and kept in READERSTUDY_HOME.
READERSTUDY_ALLOWED_HOSTS      host names, separated by commas. Required when not in development.
READERSTUDY_HTTPS              0 only where no other machine can reach the server (the demo). Default 1.
READERSTUDY_HOME               folder of everything the product writes. Default var/.
READERSTUDY_PROXY=1            a server in front sets X-Forwarded-Proto and adds the reader's address to
                               X-Forwarded-For, and nobody else can reach this one.
READERSTUDY_TIME_ZONE          of dates in the admin and in reports. Default UTC.
READERSTUDY_LOG                level of the log on standard error. Default WARNING.
DATABASE_URL                   postgres://…; without it SQLite in READERSTUDY_HOME.
"""

import os
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from readerstudy import __version__
from readerstudy.kept_secret import kept_secret

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("READERSTUDY_HOME", BASE_DIR / "var"))
HOME.mkdir(parents=True, exist_ok=True)

DEBUG = os.environ.get("READERSTUDY_DEBUG", "0") == "1"
HTTPS = not DEBUG and os.environ.get("READERSTUDY_HTTPS", "1") == "1"
PROXY = os.environ.get("READERSTUDY_PROXY") == "1"


def _required(name: str, in_development: str) -> str:
    value = os.environ.get(name, in_development if DEBUG else "")
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set; set it, or set READERSTUDY_DEBUG=1 on a machine without patients' films."
        )
    return value


SECRET_KEY = _required("READERSTUDY_SECRET_KEY", "development-only-" + "x" * 50)
# Ids of patients are short numbers: under a key that everybody knows, a pseudonym would be as good as the id.
PSEUDONYM_KEY = _required("READERSTUDY_PSEUDONYM_KEY", kept_secret(HOME / "pseudonym_key") if DEBUG else "").encode()
_hosts = _required("READERSTUDY_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
ALLOWED_HOSTS = [host.strip() for host in _hosts.split(",")]

INSTALLED_APPS = [
    "readerstudy.audit",
    "readerstudy.jobs",
    "readerstudy.archive",
    "readerstudy.synthesis",
    "readerstudy.steering",
    "readerstudy.studies",
    "readerstudy.reading",
    "readerstudy.results",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "django_tasks_db",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "readerstudy.urls"
WSGI_APPLICATION = "readerstudy.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {"default": dj_database_url.config(default=f"sqlite:///{HOME / 'db.sqlite3'}", conn_max_age=60)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # WAL lets readers read while one writes; IMMEDIATE takes the write lock at the start, so a transaction
    # waits instead of failing half-way; FULL keeps an acknowledged answer through a power cut.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en-gb"
# The languages that there are messages in; `<html lang>` names no other, whatever the browser asks for.
LANGUAGES = [("en-gb", "British English")]
TIME_ZONE = os.environ.get("READERSTUDY_TIME_ZONE", "UTC")
USE_I18N = True
USE_TZ = True
LOCALE_PATHS = [BASE_DIR / "locale"]

STATIC_URL = "static/"
STATIC_ROOT = HOME / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": HOME / "films"},
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# Folders below HOME: canonical films, frozen studies' payloads, training runs, reports.
FILMS = HOME / "films"
STUDIES = HOME / "studies"
RUNS = HOME / "runs"
REPORTS = HOME / "reports"

# Long work waits in the database for `manage.py run_jobs`; there is no broker to run.
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["readerstudy.reading.access.ReaderSession"],
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {"TITLE": "Reader study", "VERSION": __version__, "SERVE_INCLUDE_SCHEMA": False}

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": os.environ.get("READERSTUDY_LOG", "WARNING")},
}
