"""Who lies behind a phantom film: a patient drawn at random, with habitus, pose, exposure and findings.

Lengths are centimetres in the plane through the middle of the chest. x points to the patient's left, which is the right
of the film; y points to the feet; z points to the front. The origin lies before the spine at the height of the sixth
thoracic vertebra.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gan.findings import NO_FINDING

# The findings that a phantom can show and how often it does. The shares are the project's choice, higher than those of
# ChestX-ray14 so that a few hundred phantoms hold some of each; half of the phantoms show none.
PREVALENCES = {
    "Cardiomegaly": 0.12,
    "Effusion": 0.16,
    "Nodule": 0.12,
    "Pneumothorax": 0.10,
    "Consolidation": 0.12,
}
DRAWABLE = tuple(PREVALENCES)


@dataclass(frozen=True)
class Lesion:
    """One local finding: its kind, its centre (x, y) and its radius in centimetres.

    For an effusion y is the fluid level at the middle of the lung and the radius the height of the meniscus; for a
    pneumothorax the radius is the greatest gap between lung and chest wall.
    """

    finding: str
    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Thorax:
    """The chest cage and what fills it, in centimetres (half widths from the midline)."""

    half_width: float
    half_depth: float
    apex: float
    right_dome: float
    left_dome: float
    dome_curve: float
    heart_right: float
    heart_left: float
    aorta_radius: float
    lung_density: float
    vessel_scale: float


@dataclass(frozen=True)
class Habitus:
    """What lies around the cage, in centimetres, and how strong the bones are (1 is the adult mean)."""

    fat: float
    muscle: float
    breast_radius: float
    breast_thickness: float
    breast_y: float
    neck: float
    bone: float


@dataclass(frozen=True)
class Pose:
    """How the patient stands before the detector: angles in radians, shifts in centimetres.

    `abduction` is 0 with the arms hanging and the shoulder blades over the lungs, 1 with both rolled away.
    """

    tilt: float
    yaw: float
    shift_x: float
    shift_y: float
    field: float
    abduction: float
    shoulder: float


@dataclass(frozen=True)
class Exposure:
    """How the film was taken and processed."""

    photons_per_cm2: float
    scatter: float
    latitude: float
    gamma: float
    enhancement: float
    sharpness: float
    collimation: tuple[float, float, float, float]
    marker: str


@dataclass(frozen=True)
class Phantom:
    """A patient and one exposure; all that `render` needs, whatever the size of the film."""

    seed: int
    findings: tuple[str, ...]
    age: int
    sex: str
    view: str
    thorax: Thorax
    habitus: Habitus
    pose: Pose
    exposure: Exposure
    lesions: tuple[Lesion, ...]

    @property
    def cardiothoracic_ratio(self) -> float:
        """Greatest width of the heart over greatest inner width of the chest."""
        return (self.thorax.heart_right + self.thorax.heart_left) / (2 * self.thorax.half_width)

    @property
    def labels(self) -> tuple[str, ...]:
        """The findings, or No Finding where there is none."""
        return self.findings or (NO_FINDING,)


def sample_phantom(seed: int, findings: Sequence[str] | None = None) -> Phantom:
    """Draw a patient. The same seed and findings give the same patient; other findings change these findings alone.

    `findings` None draws them at random, about half of the patients having none; an empty sequence or No Finding draws
    a patient without. Raises ValueError for a finding that a phantom cannot show.
    """
    # A stream for each part, so that no part depends on how many numbers another one took.
    person, build, around, pose, exposure, disease = (np.random.default_rng([seed, 0, part]) for part in range(6))
    chosen = _draw_findings(disease) if findings is None else _checked(findings)
    male = bool(person.random() < 0.55)
    age = int(np.clip(person.normal(52, 17), 18, 92))
    view = "AP" if person.random() < 0.3 else "PA"
    thorax = _draw_thorax(build, chosen, male, age, view)
    return Phantom(
        seed=seed,
        findings=chosen,
        age=age,
        sex="M" if male else "F",
        view=view,
        thorax=thorax,
        habitus=_draw_habitus(around, male, age),
        pose=_draw_pose(pose, thorax, view),
        exposure=_draw_exposure(exposure, view),
        lesions=tuple(lesion for finding in chosen for lesion in _draw_lesions(seed, finding, thorax)),
    )


def _checked(findings: Sequence[str]) -> tuple[str, ...]:
    wanted = set(findings) - {NO_FINDING}
    unknown = sorted(wanted - set(DRAWABLE))
    if unknown:
        raise ValueError(f"A phantom cannot show {', '.join(unknown)}; it can show {', '.join(DRAWABLE)}.")
    return tuple(finding for finding in DRAWABLE if finding in wanted)


def _draw_findings(random: np.random.Generator) -> tuple[str, ...]:
    draws = random.random(len(PREVALENCES))
    return tuple(finding for (finding, share), draw in zip(PREVALENCES.items(), draws, strict=True) if draw < share)


def _draw_thorax(random: np.random.Generator, findings: tuple[str, ...], male: bool, age: int, view: str) -> Thorax:
    portable = view == "AP"
    half_width = np.clip(random.normal(14.2 if male else 12.6, 0.8), 11.0, 16.5)
    height = np.clip(random.normal(22.5 if male else 20.5, 1.9) - (2.5 if portable else 0.0), 15.0, 27.0)
    apex = random.normal(-12.6, 0.4)
    right_dome = apex + height
    large = "Cardiomegaly" in findings
    enlarged, normal = random.uniform(0.56, 0.68), np.clip(random.normal(0.44, 0.03), 0.37, 0.485)
    ratio = enlarged if large else normal
    heart_width = ratio * 2 * half_width
    right_share = random.uniform(0.30, 0.37)
    return Thorax(
        half_width=half_width,
        half_depth=np.clip(random.normal(9.2 if male else 8.4, 0.7), 6.8, 11.0),
        apex=apex,
        right_dome=right_dome,
        left_dome=right_dome + random.normal(1.3, 0.6),
        dome_curve=random.uniform(2.8, 4.6),
        heart_right=right_share * heart_width,
        heart_left=(1 - right_share) * heart_width,
        aorta_radius=1.25 + 0.008 * age + random.uniform(0, 0.3),
        lung_density=random.uniform(0.15, 0.22) + (0.04 if portable else 0.0),
        vessel_scale=random.uniform(0.85, 1.15),
    )


def _draw_habitus(random: np.random.Generator, male: bool, age: int) -> Habitus:
    fat = float(np.clip(random.gamma(2.5, 0.8), 0.4, 6.0))
    return Habitus(
        fat=fat,
        muscle=random.uniform(1.2, 2.2) * (1.0 if male else 0.8),
        breast_radius=0.0 if male else random.uniform(5.2, 7.5),
        breast_thickness=0.0 if male else random.uniform(1.2, 2.8) + 0.3 * fat,
        breast_y=random.uniform(3.0, 6.0) + 0.03 * (age - 40),
        neck=random.uniform(4.3, 5.2) + 0.3 * fat,
        bone=float(np.clip(random.normal(1.1 if male else 1.0, 0.12) - 0.004 * max(age - 50, 0), 0.65, 1.4)),
    )


def _draw_pose(random: np.random.Generator, thorax: Thorax, view: str) -> Pose:
    portable = view == "AP"
    spread = 2.0 if portable else 1.0
    middle = (thorax.apex + thorax.right_dome) / 2
    return Pose(
        tilt=random.normal(0, 0.018 * spread),
        yaw=random.normal(0, 0.03 * spread),
        shift_x=random.normal(0, 0.5 * spread),
        shift_y=middle + random.normal(2.8, 0.8 * spread),
        field=2 * thorax.half_width * random.uniform(1.22, 1.62),
        abduction=random.uniform(0.0, 0.5) if portable else random.uniform(0.5, 1.0),
        shoulder=random.normal(-1.2 if portable else 0.0, 0.7),
    )


def _draw_exposure(random: np.random.Generator, view: str) -> Exposure:
    portable = view == "AP"
    edges = random.uniform(0.0, 0.05, 4) * (random.random(4) < 0.12)
    top, right, bottom, left = (float(edge) for edge in edges)
    return Exposure(
        photons_per_cm2=float(10 ** random.uniform(6.7, 7.5) / (2.5 if portable else 1.0)),
        scatter=random.uniform(0.25, 0.4) if portable else random.uniform(0.12, 0.25),
        latitude=random.uniform(0.95, 1.35),
        gamma=random.uniform(0.65, 1.3),
        enhancement=random.uniform(0.15, 0.65),
        sharpness=random.uniform(0.0, 0.6),
        collimation=(top, right, bottom, left),
        marker=str(random.choice(["", "L", "L", "R"])),
    )


def _draw_lesions(seed: int, finding: str, thorax: Thorax) -> list[Lesion]:
    random = np.random.default_rng([seed, 0, 6 + DRAWABLE.index(finding)])
    side = -1.0 if random.random() < 0.5 else 1.0
    dome = thorax.right_dome if side < 0 else thorax.left_dome
    width, height = thorax.half_width, dome - thorax.apex
    if finding == "Effusion":
        return [Lesion(finding, side, dome - height * random.uniform(0.06, 0.38), random.uniform(2.0, 4.5))]
    if finding == "Pneumothorax":
        return [Lesion(finding, side, thorax.apex, random.uniform(1.6, 4.5))]
    if finding == "Nodule":
        return [
            Lesion(finding, *_place(random, thorax, (0.50, 0.78), (0.25, 0.75)), random.uniform(0.6, 1.5))
            for _ in range(random.choice([1, 1, 1, 2, 3]))
        ]
    if finding == "Consolidation":
        x = side * width * random.uniform(0.45, 0.68)
        y = thorax.apex + height * random.uniform(0.3, 0.82)
        return [Lesion(finding, x, y, random.uniform(2.8, 5.0))]
    return []


def _place(
    random: np.random.Generator, thorax: Thorax, across: tuple[float, float], down: tuple[float, float]
) -> tuple[float, float]:
    """A point in a lung: a share of the half width from the midline and of the lung's height from its apex."""
    side = -1.0 if random.random() < 0.5 else 1.0
    dome = thorax.right_dome if side < 0 else thorax.left_dome
    x = side * thorax.half_width * random.uniform(*across)
    return x, thorax.apex + (dome - thorax.apex) * random.uniform(*down)
