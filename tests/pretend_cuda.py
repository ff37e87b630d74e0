"""A GPU that is not there: CPU tensors that carry a mark and say that they are on ``cuda``.

A mode of PyTorch sees every call from Python: it marks what is made on or moved to the GPU, refuses to mix both devices
and to read a marked tensor by NumPy (as CUDA does), and lets only CUDA's autocast act on marked tensors.

What it shows: a tensor, a mask or a random generator left on the wrong device; NumPy without ``.cpu()``; autocast for
the CPU alone. The numbers are real, so code that looks at them runs as well, and they can be compared with the CPU's.
What it cannot show: CUDA's own kernels and their rounding, memory, speed, streams, operators that CUDA lacks, and what
happens inside C++ (backward passes mix freely).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.accelerators import CPUAccelerator
from lightning_fabric.plugins.precision import MixedPrecision, Precision
from lightning_fabric.strategies import SingleDeviceStrategy
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
NUMPY = {"numpy", "__array__"}
ACROSS = {"to", "copy_", "type_as", "_has_compatible_shallow_copy_type"}  # take tensors of both devices
INDEXED = {"__getitem__", "__setitem__", "index_put_"}  # CUDA takes masks and indices that are on the CPU


def marked(value: Tensor) -> bool:
    return bool(value.__dict__.get("on_gpu", False))


def mark(value: Any) -> None:
    for leaf in tree_leaves(value):
        if isinstance(leaf, Tensor):
            leaf.__dict__["on_gpu"] = True


class Gpu(TorchFunctionMode):
    """The mode; while it is entered there is a GPU."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, name = dict(kwargs or {}), getattr(function, "__name__", "")
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        if not tensors and not (is_cuda(kwargs.get("device")) and name != "device"):
            return function(*args, **kwargs)
        own = bool(tensors) and marked(tensors[0])
        anywhere = any(map(marked, tensors))
        if name == "__get__" or name == "__set__":
            return self.attribute(function, args, own)
        if name in NUMPY and own:
            raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first")
        self.check(name, tensors, args, kwargs, own, anywhere)
        target = self.target(name, args, kwargs, anywhere)
        args, kwargs = (tuple(CPU if is_device(value) else value for value in args), dict(kwargs))
        if kwargs.get("device") is not None:
            kwargs["device"] = CPU
        if name == "cuda":
            function, args, kwargs = Tensor.clone, args[:1], {}
        moved = name in ("to", "cpu", "cuda") and own != target
        with self.autocast(anywhere):
            found = function(*args, **kwargs)
        if moved and found is args[0]:
            found = found.clone() if not isinstance(found, torch.nn.Parameter) else found.detach().clone()
        if target:
            mark(found)
        return found

    def attribute(self, function: Any, args: Any, own: bool) -> Any:
        """``x.device``, ``x.is_cuda``, ``x.grad``, ``x.data``: what they say follows the mark."""
        what = getattr(function.__self__, "__name__", "")
        if own and what in ("device", "is_cuda", "is_cpu"):
            return {"device": GPU, "is_cuda": True, "is_cpu": False}[what]
        found = function(*args)
        if own:
            mark(found)
        if function.__name__ == "__set__" and what == "data":
            args[0].__dict__["on_gpu"] = marked(args[1])
        return found

    def check(self, name: str, tensors: Any, args: Any, kwargs: Any, own: bool, anywhere: bool) -> None:
        """What CUDA refuses."""
        backward = torch._C._current_graph_task_id() != -1
        stray = [value for value in tensors if not marked(value) and value.ndim]
        if anywhere and stray and not backward and name not in ACROSS and not (own and name in INDEXED):
            raise RuntimeError(f"{name}: expected all tensors to be on the same device, but found cuda:0 and cpu")
        generator = next((value for value in (*args, *kwargs.values()) if isinstance(value, torch.Generator)), None)
        on_gpu = anywhere or is_cuda(kwargs.get("device"))
        if generator is not None and on_gpu and generator.device.type == "cpu":
            raise RuntimeError(f"{name}: expected a 'cuda' device type for generator but found 'cpu'")

    def target(self, name: str, args: Any, kwargs: Any, anywhere: bool) -> bool:
        """Whether what comes out is on the GPU."""
        if name in ("cpu", "cuda"):
            return name == "cuda"
        if name in ("to", "type_as") and len(args) > 1 and isinstance(args[1], Tensor):
            return marked(args[1])
        said = kwargs.get("device")
        if said is None and name == "to":
            said = next((value for value in args if is_device(value)), None)
        return is_cuda(said) if said is not None else anywhere and (name != "copy_" or marked(args[0]))

    @contextmanager
    def autocast(self, on_gpu: bool) -> Iterator[None]:
        """CUDA's autocast for what is on the GPU, the CPU's for the rest, never the other one."""
        if not on_gpu:
            yield
            return
        with torch.autocast("cpu", torch.get_autocast_dtype("cuda"), enabled=torch.is_autocast_enabled("cuda")):
            yield


def is_device(value: Any) -> bool:
    return isinstance(value, torch.device) or (isinstance(value, str) and value.split(":")[0] in ("cpu", "cuda"))


def is_cuda(value: Any) -> bool:
    return value is not None and torch.device(value).type == "cuda"


MAKE_SUBCLASS = torch.Tensor._make_subclass  # type: ignore[attr-defined]


def subclassed(kind: Any, data: Tensor, *words: Any, **named: Any) -> Tensor:
    """A parameter is where its data are."""
    made: Tensor = MAKE_SUBCLASS(kind, data, *words, **named)
    if marked(data):
        mark(made)
    return made


class Accelerator(CPUAccelerator):
    """Lightning's CPU, told that its device is the GPU."""

    def setup_device(self, device: torch.device) -> None:
        assert device == GPU


def fabric(config: Any, device: str = "auto") -> Fabric:
    """Stands for :func:`wbclib.train.device.open_fabric`: Lightning Fabric on the pretended GPU."""
    from wbclib.train.device import precision

    name = precision(config.precision, "cuda")
    plugin = MixedPrecision(name, "cuda") if name == "bf16-mixed" else Precision()
    found = Fabric(strategy=SingleDeviceStrategy(GPU, Accelerator(), precision=plugin))
    found.launch()
    return found


@contextmanager
def pretended(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine with such a GPU."""
    patch.setattr(torch.cuda, "is_available", lambda: True)
    patch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)
    patch.setattr(torch.cuda, "synchronize", lambda device=None: None)
    patch.setattr(torch.cuda, "get_device_name", lambda device=None: "a GPU that is not there")
    patch.setattr(torch.cuda, "max_memory_allocated", lambda device=None: 0)
    patch.setattr("torch.cuda.amp.common.amp_definitely_not_available", lambda: False)
    patch.setattr(torch.Tensor, "_make_subclass", staticmethod(subclassed))  # what nn.Parameter is made by
    patch.setattr(torch.optim.Optimizer, "_accelerator_graph_capture_health_check", lambda self: None)
    with Gpu():
        yield
