"""The Inception of 2015 with the weights by which Fréchet distances are published."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor

from evaluation.images.extractors import torchscript
from evaluation.images.extractors.inception_network import Inception2015
from evaluation.images.extractors.network import GREY_THREE_TIMES, RESIZED, Network, sha256_of, three_times
from evaluation.images.user_cache import user_cache

NAME = "inception"
WEIGHTS = "EVALUATION_WEIGHTS"
"""The environment variable that names the folder of published weights."""
STATE_DICT_FILE = "pt_inception-2015-12-05-6726825d.pth"
STATE_DICT = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
TORCHSCRIPT_FILE = "inception-2015-12-05.pt"
URL = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{STATE_DICT_FILE}"
CHUNK = 1 << 20
PATIENCE_SECONDS = 30


class Inception(Network):
    """The published state dict. Takes what the published TorchScript takes, bytes, so that both give one figure."""

    version = "2015-12-05"
    side = torchscript.SIDE
    rule = f"{RESIZED.format(side=side)}, 0 … 255 as bytes, {GREY_THREE_TIMES}"

    def __init__(self, path: Path) -> None:
        """Raises ValueError where the file is another than the published one: no pickle is opened on trust."""
        super().__init__(path, NAME, sha256_of(path))
        if self.sha256 != STATE_DICT:
            raise ValueError(f"{path} is not the published {STATE_DICT_FILE}: its SHA-256 is {self.sha256}.")
        self._network = Inception2015().eval()
        self._network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def answer(self, greys: Tensor) -> object:
        images = three_times((greys * 255).round()).contiguous(memory_format=torch.channels_last)
        return self._network(images)


def published_weights() -> Path:
    """The file of the published Inception: the one that is there, else fetched once.

    It is looked for, under either published name, in the folder that EVALUATION_WEIGHTS names, else in the user's
    cache. Raises ValueError where it is not there and cannot be fetched.
    """
    folder = Path(os.environ.get(WEIGHTS) or user_cache() / "weights")
    for name in (STATE_DICT_FILE, TORCHSCRIPT_FILE):
        if (folder / name).is_file():
            return folder / name
    fetch(URL, STATE_DICT, folder / STATE_DICT_FILE)
    return folder / STATE_DICT_FILE


def fetch(url: str, sha256: str, path: Path) -> None:
    """Bring a file to `path`, whole or not at all. Raises ValueError where it is not to be had or has another hash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer, partial.open("wb") as file:
            while chunk := answer.read(CHUNK):
                file.write(chunk)
        found = sha256_of(partial)
        if found != sha256:
            raise ValueError(f"What {url} sent is not the published file: its SHA-256 is {found}, not {sha256}.")
        partial.replace(path)
    except (URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise ValueError(
            f"The weights are not at {path} and cannot be fetched ({reason}); fetch {url} on a machine with a network "
            f"and put it there, or name its folder in {WEIGHTS}."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
