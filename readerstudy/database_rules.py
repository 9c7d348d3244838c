"""Rules that the database itself keeps, beyond what constraints can say: triggers for SQLite and PostgreSQL.

Each function returns a migration operation. A broken rule surfaces as `django.db.IntegrityError` or
`django.db.InternalError`, whose text is the message given here.
"""

from django.db import migrations


def refuse(name: str, table: str, event: str, message: str, when: str = "") -> migrations.RunPython:
    """Refuse `event` ("UPDATE", "DELETE" or "INSERT") on `table` where the SQL condition `when` holds.

    `when` may speak of NEW and OLD. Booleans and quoting must be written so that both databases read them.
    """

    def install(apps: object, schema_editor: object) -> None:
        vendor = schema_editor.connection.vendor  # type: ignore[attr-defined]
        for statement in _statements(vendor, name, table, event, message, when):
            schema_editor.execute(statement)  # type: ignore[attr-defined]

    def remove(apps: object, schema_editor: object) -> None:
        suffix = f" ON {table}" if schema_editor.connection.vendor == "postgresql" else ""  # type: ignore[attr-defined]
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}{suffix}")  # type: ignore[attr-defined]

    return migrations.RunPython(install, remove)


def append_only(table: str) -> list[migrations.RunPython]:
    """Rows of `table` can be added, never changed or removed."""
    message = f"Rows of {table} are only ever added."
    return [
        refuse(f"{table}_no_update", table, "UPDATE", message),
        refuse(f"{table}_no_delete", table, "DELETE", message),
    ]


def _statements(vendor: str, name: str, table: str, event: str, message: str, when: str) -> list[str]:
    if vendor == "sqlite":
        condition = f"WHEN {when}" if when else ""
        return [
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        ]
    condition = when or "TRUE"
    return [
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {condition} THEN "
        f"RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; END IF; "
        "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$",
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
    ]
