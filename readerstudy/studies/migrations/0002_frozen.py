from django.db import migrations

from readerstudy.database_rules import append_only, refuse

PLAN = [
    "name", "title", "seed", "primary_end_point", "margin", "margin_reason", "alpha", "decision_cut", "instruction_text",
    "instruction_version", "ratio_told", "repeats", "practice_films", "override_reason", "side", "levels", "manifest_hash",
    "frozen_at",
]  # fmt: skip
STEPS = [("design", "frozen"), ("frozen", "closed"), ("closed", "unblinded")]

plan_changes = " OR ".join(f"NEW.{column} <> OLD.{column}" for column in PLAN)
step_allowed = " OR ".join(f"(OLD.state = '{a}' AND NEW.state = '{b}')" for a, b in STEPS)


def frozen(row: str) -> str:
    return f"(SELECT state FROM studies_study WHERE id = {row}.study_id) <> 'design'"


def fixed_by_freezing(table: str) -> list:
    message = "The design of a frozen study cannot change."
    return [
        refuse(f"{table}_frozen_insert", table, "INSERT", message, frozen("NEW")),
        refuse(f"{table}_frozen_update", table, "UPDATE", message, frozen("OLD")),
        refuse(f"{table}_frozen_delete", table, "DELETE", message, frozen("OLD")),
    ]


class Migration(migrations.Migration):
    dependencies = [("studies", "0001_initial")]
    operations = [
        refuse(
            "studies_study_frozen_plan", "studies_study", "UPDATE",
            "The design of a frozen study cannot change.", f"OLD.state <> 'design' AND ({plan_changes})",
        ),
        refuse(
            "studies_study_steps", "studies_study", "UPDATE",
            "A study goes from design to frozen to closed to unblinded, one step at a time.",
            f"OLD.state <> NEW.state AND NOT ({step_allowed})",
        ),
        refuse(
            "studies_study_kept", "studies_study", "DELETE", "A frozen study is kept.", "OLD.state <> 'design'",
        ),
        *fixed_by_freezing("studies_arm"),
        *fixed_by_freezing("studies_case"),
        *fixed_by_freezing("studies_casetruth"),
        *append_only("studies_deviation"),
    ]  # fmt: skip
