from django.db import migrations

from readerstudy.database_rules import append_only, refuse

PLAN = [
    "name", "title", "seed", "primary_end_point", "margin", "margin_reason", "alpha", "decision_cut", "instruction_text",
    "instruction_version", "ratio_told", "repeats", "practice_films", "override_reason", "side", "levels", "manifest_hash",
    "frozen_at",
]  # fmt: skip
STEPS = [("design", "frozen"), ("frozen", "closed"), ("closed", "unblinded")]
END = ["closed_at", "unblinded_at", "unblinding_reason"]
SLOT = ["sitting_id", "position", "case_id", "kind", "code"]

plan_changes = " OR ".join(f"NEW.{column} <> OLD.{column}" for column in PLAN)
end_changes = " OR ".join(f"NEW.{column} <> OLD.{column}" for column in END)
slot_changes = " OR ".join(f"NEW.{column} <> OLD.{column}" for column in SLOT)
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


def study_of(table: str, row: str) -> str:
    return f"(SELECT study_id FROM {table} WHERE id = {row})"


READER_OF_SLOT = "(SELECT reader_id FROM studies_sitting WHERE id = NEW.sitting_id)"


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
            "studies_study_end", "studies_study", "UPDATE",
            "When and why a study ended is written once.", f"OLD.state = NEW.state AND ({end_changes})",
        ),
        refuse(
            "studies_study_kept", "studies_study", "DELETE", "A frozen study is kept.", "OLD.state <> 'design'",
        ),
        *fixed_by_freezing("studies_arm"),
        *fixed_by_freezing("studies_case"),
        *fixed_by_freezing("studies_casetruth"),
        *fixed_by_freezing("studies_manifest"),
        *append_only("studies_deviation"),
        refuse(
            "studies_reader_enrolled_while_open", "studies_reader", "INSERT",
            "Readers are enrolled while the study is frozen and open.",
            "(SELECT state FROM studies_study WHERE id = NEW.study_id) <> 'frozen'",
        ),
        refuse(
            "studies_slot_stays", "studies_slot", "UPDATE", "The order of a reader is written once.", slot_changes,
        ),
        refuse("studies_slot_kept", "studies_slot", "DELETE", "The order of a reader is written once."),
        # Rows that meet in one row belong to one study.
        refuse(
            "studies_slot_one_study", "studies_slot", "INSERT", "Reader and case belong to one study.",
            f"{study_of('studies_reader', READER_OF_SLOT)} <> {study_of('studies_case', 'NEW.case_id')}",
        ),
        refuse(
            "studies_casetruth_one_study", "studies_casetruth", "INSERT", "Case, arm and truth belong to one study.",
            f"{study_of('studies_case', 'NEW.case_id')} <> NEW.study_id "
            f"OR {study_of('studies_arm', 'NEW.arm_id')} <> NEW.study_id",
        ),
        refuse(
            "studies_deviation_one_study", "studies_deviation", "INSERT", "A deviation is about its own study.",
            f"{study_of('studies_case', 'NEW.case_id')} <> NEW.study_id "
            f"OR {study_of('studies_reader', 'NEW.reader_id')} <> NEW.study_id",
        ),
    ]  # fmt: skip
