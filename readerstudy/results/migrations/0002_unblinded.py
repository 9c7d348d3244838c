from django.db import migrations

from readerstudy.database_rules import refuse

MESSAGE = "Only an unblinded study has results."
NOT_UNBLINDED = "(SELECT state FROM studies_study WHERE id = NEW.study_id) <> 'unblinded'"


class Migration(migrations.Migration):
    dependencies = [("results", "0001_initial"), ("studies", "0002_frozen")]
    operations = [
        refuse("results_analysis_insert_unblinded", "results_analysis", "INSERT", MESSAGE, NOT_UNBLINDED),
        refuse("results_analysis_update_unblinded", "results_analysis", "UPDATE", MESSAGE, NOT_UNBLINDED),
    ]
