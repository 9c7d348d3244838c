"""DINOv2 (Oquab et al., TMLR 2024) and networks of its form, as RAD-DINO, from a folder as Hugging Face keeps them.

Needs requirements-dino.txt. The folder has config.json, preprocessor_config.json and model.safetensors; nothing is
fetched, and no code from the folder is run.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from evaluation.images.extractors.network import GREY_THREE_TIMES, RESIZED, Network, sha256_of, three_times

CONFIGURATION, PREPARATION, WEIGHTS = "config.json", "preprocessor_config.json", "model.safetensors"
KINDS = ("dinov2", "dinov2_with_registers")


class Dino(Network):
    """The pooled output (the class token after the last norm) of the whole film: none of its border is cropped away.

    Raises ValueError where the folder holds no such network, or transformers is not installed.
    """

    def __init__(self, folder: Path) -> None:
        about, prepared = (_read(folder / name) for name in (CONFIGURATION, PREPARATION))
        if about.get("model_type") not in KINDS:
            raise ValueError(f"{folder} holds a {about.get('model_type')}, not one of {', '.join(KINDS)}.")
        if not (folder / WEIGHTS).is_file():
            raise ValueError(f"{folder} lacks {WEIGHTS}; weights in another form are not loaded.")
        super().__init__(folder, folder.resolve().name, sha256_of(folder / WEIGHTS))
        configuration = hashlib.sha256((folder / CONFIGURATION).read_bytes()).hexdigest()[:8]
        self.version = f"{about['model_type']}, configuration {configuration}"
        try:
            self.side = int(prepared["crop_size"]["height"])
            self._mean, self._spread = _of_channels(prepared["image_mean"]), _of_channels(prepared["image_std"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{folder / PREPARATION} has no crop_size, image_mean and image_std.") from error
        self.rule = (
            f"{RESIZED.format(side=self.side)}, 0 … 1 as float, less {prepared['image_mean']} over "
            f"{prepared['image_std']}, {GREY_THREE_TIMES}"
        )
        self._network = _network(folder)

    def answer(self, greys: Tensor) -> object:
        return self._network(pixel_values=(three_times(greys) - self._mean) / self._spread).pooler_output


def _network(folder: Path) -> Any:
    try:
        from transformers import AutoModel
        from transformers.utils import logging
    except ImportError as error:
        raise ValueError(
            "DINOv2 needs transformers, which is not installed; install what requirements-dino.txt lists."
        ) from error
    logging.disable_progress_bar()
    try:
        network, loading = AutoModel.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, trust_remote_code=False, output_loading_info=True
        )
    except (OSError, RuntimeError) as error:
        raise ValueError(f"The network in {folder} cannot be loaded ({str(error).splitlines()[0]}).") from error
    if loading["missing_keys"]:
        raise ValueError(f"{folder / WEIGHTS} lacks {sorted(loading['missing_keys'])[0]} and is no whole network.")
    return network.eval()


def _read(path: Path) -> dict[str, Any]:
    try:
        read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read ({error}); a folder of Hugging Face has it.") from error
    return read


def _of_channels(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).reshape(1, 3, 1, 1)
