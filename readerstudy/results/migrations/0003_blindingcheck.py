import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("results", "0002_unblinded"), ("studies", "0004_reading_room")]
    operations = [
        migrations.CreateModel(
            name="BlindingCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("passed", "nothing tells truth"),
                            ("open", "nothing was found, by too few films to exclude it"),
                            ("leak", "something tells truth"),
                        ],
                        max_length=10,
                        verbose_name="outcome",
                    ),
                ),
                ("figures", models.JSONField(verbose_name="figures")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                (
                    "study",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="blinding_checks",
                        to="studies.study",
                        verbose_name="study",
                    ),
                ),
            ],
            options={
                "verbose_name": "check of blinding",
                "verbose_name_plural": "checks of blinding",
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("outcome__in", ["passed", "open", "leak"])), name="outcome_is_known"
                    )
                ],
            },
        ),
    ]
