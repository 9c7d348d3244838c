"""Rules that the database itself keeps, beyond what constraints can say: triggers for SQLite and PostgreSQL.

Each function returns a migration operation. A broken rule surfaces as `django.db.IntegrityError` or
`django.db.InternalError`, whose text is the message given here.
"""

from django.db import migrations


def refuse(name: str, table: str, event: str, message: str, when: str = "") -> migrations.RunPython:
    """Refuse `event` ("UPDATE", "DELETE" or "INSERT") on `table` where the SQL condition `when` holds.

    `when` may speak of NEW and OLD. Booleans and quoting must be written so that both databases read them. A rule of
    that name takes the place of the one before: where SQLite rebuilds a table, its triggers go with the old one.
    """

    def drop(schema_editor: object) -> None:
        suffix = f" ON {table}" if schema_editor.connection.vendor == "postgresql" else ""  # type: ignore[attr-defined]
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}{suffix}")  # type: ignore[attr-defined]

    def install(apps: object, schema_editor: object) -> None:
        vendor = schema_editor.connection.vendor  # type: ignore[attr-defined]
        drop(schema_editor)
        for statement in _statements(vendor, name, table, event, message, when):
            schema_editor.execute(statement)  # type: ignore[attr-defined]

    def remove(apps: object, schema_editor: object) -> None:
        drop(schema_editor)

    return migrations.RunPython(install, remove)


def append_only(table: str) -> list[migrations.RunPython]:
    """Rows of `table` can be added, never changed or removed."""
    message = f"Rows of {table} are only ever added."
    return [
        refuse(f"{table}_no_update", table, "UPDATE", message),
        refuse(f"{table}_no_delete", table, "DELETE", message),
    ]


def beside_rules(operations: list) -> list:
    """`operations` that change tables, with the rules of all tables set aside meanwhile.

    SQLite rebuilds a table to change it. The table's triggers would be lost, and those of other tables that speak of it
    would stop the rebuilding.
    """
    kept: list[str] = []

    def set_aside(apps: object, schema_editor: object) -> None:
        connection = schema_editor.connection  # type: ignore[attr-defined]
        if connection.vendor != "sqlite":
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
            triggers = cursor.fetchall()
            kept[:] = [sql for _name, sql in triggers]
            for name, _sql in triggers:
                cursor.execute(f"DROP TRIGGER {name}")

    def put_back(apps: object, schema_editor: object) -> None:
        for statement in kept:
            schema_editor.execute(statement)  # type: ignore[attr-defined]
        kept.clear()

    return [
        migrations.RunPython(set_aside, put_back),
        *operations,
        migrations.RunPython(put_back, set_aside),
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
