"""A device that is none: it finds what else only a GPU would.

Tensors on it are computed on the CPU, but say that they are elsewhere. What
mixes both devices is an error, as on a GPU, and what makes the host wait for
the device is counted.
"""

from contextlib import ExitStack
from unittest import mock

import torch
from mmcv.ops import RoIAlign
from mmengine.structures import InstanceData
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

aten = torch.ops.aten
#: 'lazy': of all devices the one that autograd runs in this thread, and that
#: no build of torch starts anything for.
DEVICE = torch.device('lazy')
#: Their results, or the shapes of these, must be known to the host.
WAITING = {
    aten._local_scalar_dense,
    aten._unique,
    aten._unique2,
    aten.bincount,
    aten.equal,
    aten.is_nonzero,
    aten.masked_select,
    aten.nonzero,
    aten.unique_consecutive,
    aten.unique_dim,
}
#: They take tensors of both devices, on a GPU too.
BOTH = {
    aten.copy_,
    aten._pack_padded_sequence,
    aten._pad_packed_sequence,
    aten._to_copy,
}


class Pretended(Tensor):
    """A tensor that says it is on the device."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, inner):
        return Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            dtype=inner.dtype,
            device=DEVICE,
        )

    def __init__(self, inner):
        self.inner = inner

    def __repr__(self):
        return f'Pretended({self.inner})'

    def new_tensor(self, data, dtype=None):
        return on_device(torch.tensor(data, dtype=dtype or self.dtype))

    def tolist(self):
        return self.cpu().tolist()

    def numpy(self):
        raise TypeError('only what is on the CPU becomes an array')

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        with PretendedDevice():
            return func(*args, **(kwargs or {}))


class PretendedDevice(TorchDispatchMode):
    """Watches all that is computed in its context.

    Attributes:
        waits: The names of what made the host wait, in their order.
    """

    def __init__(self):
        super().__init__()
        self.waits = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        leaves = tree_flatten((args, kwargs))[0]
        there = any(isinstance(x, Pretended) for x in leaves)
        here = [
            x
            for x in leaves
            if isinstance(x, Tensor) and not isinstance(x, Pretended)
        ]
        packet = func.overloadpacket
        if there and packet not in BOTH and any(x.dim() for x in here):
            raise AssertionError(f'{func} mixes devices')
        goes = there
        if kwargs.get('device') is not None:
            goes = torch.device(kwargs['device']).type == DEVICE.type
            kwargs['device'] = torch.device('cpu')
        if packet is aten.copy_:
            goes = isinstance(args[0], Pretended)
        if there and (
            packet in WAITING or not goes or self._masks(packet, args)
        ):
            self.waits.append(str(packet))
        inner = tree_map(inner_of, (args, kwargs))
        out = func(*inner[0], **inner[1])
        if args and out is inner_of(args[0]) and isinstance(out, Tensor):
            return args[0]  # in place
        if packet is aten._pack_padded_sequence:
            return on_device(out[0]), out[1]  # sizes stay on the host
        return tree_map(on_device, out) if goes else out

    @staticmethod
    def _masks(packet, args):
        """Whether a mask says how much there is."""
        return packet in (aten.index, aten.index_put, aten.index_put_) and any(
            x is not None and x.dtype == torch.bool for x in args[1]
        )


def inner_of(value):
    """What a pretended tensor is made of; anything else as it is."""
    return value.inner if isinstance(value, Pretended) else value


def on_device(value):
    """Bring a tensor, or all of an InstanceData, to the device."""
    if isinstance(value, Tensor):
        return Pretended(value.detach())
    if isinstance(value, InstanceData):
        fields = {k: on_device(v) for k, v in value.items()}
        return InstanceData(metainfo=value.metainfo, **fields)
    return value


def module_on_device(module):
    """Bring the weights of a module to the device, in place."""
    for part in module.modules():
        for name, weight in [*part.named_parameters(recurse=False)]:
            setattr(part, name, nn.Parameter(on_device(weight)))
        for name, buffer in [*part.named_buffers(recurse=False)]:
            part._buffers[name] = on_device(buffer)
    return module


def pool(self, x, rois):
    """Stand for mmcv's operator, which knows real devices only."""
    means = x.mean(dim=(2, 3))[rois[:, 0].long()]
    pooled = means * (rois[:, 1:].mean(dim=1, keepdim=True) / 64)
    return pooled[..., None, None].expand(-1, -1, *self.output_size)


def pretended_device():
    """Enter the device: a context with the :class:`PretendedDevice`."""
    stack, autocast = ExitStack(), torch.autocast
    stack.enter_context(mock.patch.object(RoIAlign, 'forward', pool))
    # it knows real devices only, and is nowhere switched on here
    of_cpu = mock.patch.object(
        torch, 'autocast', lambda _, **kwargs: autocast('cpu', **kwargs)
    )
    stack.enter_context(of_cpu)
    return stack, stack.enter_context(PretendedDevice())
