"""The design of a study, what freezing makes of it, and who reads it."""

from readerstudy.studies.models.arm import Arm
from readerstudy.studies.models.frozen import Case, CaseTruth, Manifest, opaque_code
from readerstudy.studies.models.readers import Deviation, Reader, ReaderIdentity, Sitting, Slot, SlotQuerySet
from readerstudy.studies.models.study import Study

__all__ = [
    "Arm",
    "Case",
    "CaseTruth",
    "Deviation",
    "Manifest",
    "Reader",
    "ReaderIdentity",
    "Sitting",
    "Slot",
    "SlotQuerySet",
    "Study",
    "opaque_code",
]
