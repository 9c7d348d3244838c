from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from readerstudy.commands import ACTOR
from readerstudy.progress import Bar
from readerstudy.studies.management.study_command import StudyCommand
from readerstudy.studies.models import Study
from readerstudy.studies.services import freeze_study


class Command(StudyCommand):
    help = "Draw and render the films of a study and fix its design for good."

    def act_on(self, study: Study, options: dict[str, Any]) -> None:
        study = freeze_study(study=study, actor=ACTOR, progress=Bar())
        manifest = study.manifest.content
        self.stdout.write(
            _("Study %(study)s is frozen: %(cases)d cases of %(side)d × %(side)d pixels and %(levels)d grey levels.")
            % {"study": study, "cases": len(manifest["cases"]), "side": study.side, "levels": study.levels}
        )
        self.stdout.write(_("Manifest %(hash)s.") % {"hash": study.manifest_hash})
        for gap in manifest["not_known"]:
            self.stdout.write(_("Not known, overridden by the plan: %(gap)s") % {"gap": gap})
        for arm in manifest["arms"]:
            self._write_imbalance(arm)

    def _write_imbalance(self, arm: dict[str, Any]) -> None:
        if not arm["finding_mix"]:
            return
        self.stdout.write(_("Findings of arm %(arm)s (asked for, drawn):") % {"arm": arm["name"]})
        for finding, share in arm["finding_mix"].items():
            self.stdout.write(f"  {finding:<20} {share['target']:6.1%} {share['drawn']:6.1%}")
