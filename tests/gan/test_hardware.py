"""What a machine is asked for, and what it does not have."""

from __future__ import annotations

import pytest
import torch

from gan.hardware import Hardware, choose_hardware


def test_without_a_graphics_card_auto_is_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_hardware().device == torch.device("cpu")
    with pytest.raises(ValueError, match="no graphics card that this torch can use; train with --device cpu"):
        choose_hardware("cuda")
    with pytest.raises(ValueError, match="'tpu' is not known; choose one of auto, cpu, cuda"):
        choose_hardware("tpu")


def test_each_process_has_the_card_of_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_hardware(local_rank=3).device == torch.device("cuda:3")
    assert choose_hardware("cpu", local_rank=3).device == torch.device("cpu")


def test_a_processor_without_the_units_refuses_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    with pytest.raises(ValueError, match="no bfloat16 units"):
        choose_hardware(bf16=True)


def test_a_compiler_that_is_missing_is_missed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match=r"needs a C\+\+ compiler, and there is none here"):
        choose_hardware(compile=True)


@pytest.mark.parametrize(
    ("micro_batch", "films", "parts"),
    [(None, 64, 1), (64, 64, 1), (16, 64, 4), (12, 64, 8), (8, 56, 7), (4, 12, 3), (2, 2, 1)],
)
def test_a_batch_divides_into_whole_groups(micro_batch: int | None, films: int, parts: int) -> None:
    assert Hardware(micro_batch=micro_batch).parts(films) == parts


def test_what_does_not_divide_is_said() -> None:
    with pytest.raises(ValueError, match="6 films do not divide into micro-batches of at most 4"):
        Hardware(micro_batch=4).parts(6)
    with pytest.raises(ValueError, match="micro-batch must be below or a multiple of 4, not 6"):
        choose_hardware("cpu", micro_batch=6)
