from django.contrib import admin

from readerstudy.audit.models import AuditRow
from readerstudy.read_only_admin import ReadOnlyAdmin


@admin.register(AuditRow)
class AuditRowAdmin(ReadOnlyAdmin):
    list_display = ["at", "actor", "action", "subject"]
    list_filter = ["action", "at"]
    search_fields = ["actor", "action", "subject"]
    date_hierarchy = "at"
