from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("studies", "0002_frozen"),
    ]

    operations = [
        migrations.AlterField(
            model_name="arm",
            name="mix_split",
            field=models.CharField(
                blank=True,
                choices=[("", "all films"), ("train", "training"), ("test", "held out")],
                max_length=5,
                verbose_name="split of the finding mix",
            ),
        ),
        migrations.AlterField(
            model_name="arm",
            name="role",
            field=models.CharField(
                choices=[
                    ("real", "real"),
                    ("generator", "generator"),
                    ("control-degraded", "degraded control"),
                    ("control-real", "real control"),
                ],
                help_text="A study needs a real arm and a generator; a claim of equivalence needs a degraded control as well, which shows that the readers could have told.",
                max_length=20,
                verbose_name="role",
            ),
        ),
        migrations.AlterField(
            model_name="arm",
            name="split",
            field=models.CharField(
                blank=True,
                choices=[("", "all films"), ("train", "training"), ("test", "held out")],
                max_length=5,
                verbose_name="only films of this split",
            ),
        ),
        migrations.AlterField(
            model_name="study",
            name="practice_films",
            field=models.PositiveIntegerField(
                default=0,
                help_text="Shown first and left out of the analysis: 6 to 10 are usual.",
                verbose_name="practice films per reader",
            ),
        ),
        migrations.AlterField(
            model_name="study",
            name="repeats",
            field=models.PositiveIntegerField(
                default=0,
                help_text="Films shown twice, which tell how steadily a reader rates: 10 to 20 % of the films are usual.",
                verbose_name="repeated films per reader",
            ),
        ),
    ]
