from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from readerstudy.jobs.services import requeue_interrupted


class Command(BaseCommand):
    help = "Do the jobs that were started in the admin; one such process runs beside the server."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="Stop when the queue is empty.")

    def handle(self, *args: Any, **options: Any) -> None:
        interrupted = requeue_interrupted()
        if interrupted:
            self.stdout.write(_("%(n)d interrupted jobs start again.") % {"n": interrupted})
        # The queue calls a task successful whose job has failed, so it is silent and the jobs speak for themselves.
        call_command("db_worker", batch=options["once"], reload=False, startup_delay=False, verbosity=0)
