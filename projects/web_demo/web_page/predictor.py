"""The model behind the page: one forward pass at a time."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any, Protocol

import numpy as np

from .user_boxes import UserBox


class Inferencer(Protocol):
    """What the page needs of :class:`mmsgg.apis.SGGInferencer`."""

    def __call__(self, inputs: np.ndarray, **kwargs: Any) -> dict:
        """Return ``predictions``, a list with one graph."""


class Predictor:
    """Calls an inferencer from the threads of a server.

    Args:
        inferencer: Makes a graph of a BGR array.
        classes: Names of the object classes.
        task: The task that the model was made for.
        name: How the page calls the model.
        max_requests: How many requests may hold an image at a time; others
            wait ``patience`` and are then refused, so that memory is bounded.
        patience: In seconds.
    """

    def __init__(
        self,
        inferencer: Inferencer,
        classes: Sequence[str],
        task: str = 'sgdet',
        name: str = '',
        max_requests: int = 4,
        patience: float = 60.0,
    ) -> None:
        self.inferencer = inferencer
        self.classes = tuple(classes)
        self.task = task
        self.name = name
        self.patience = patience
        # one thread for all calls: torch keeps a pool of threads for each
        # thread that calls it
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._slots = BoundedSemaphore(max_requests)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """One of the few places for an image in memory.

        Raises:
            ValueError: Where none gets free in time.
        """
        if not self._slots.acquire(timeout=self.patience):
            raise ValueError('The server is busy; try again in a moment.')
        try:
            yield
        finally:
            self._slots.release()

    def __call__(
        self, image: np.ndarray, task: str, boxes: Sequence[UserBox] = ()
    ) -> dict[str, Any]:
        """Predict the graph of an image.

        Args:
            image: (H, W, 3) RGB uint8.
            task: ``'sgdet'``, ``'sgcls'`` or ``'predcls'``.
            boxes: The objects; for all tasks but sgdet.

        Returns:
            A graph of :func:`mmsgg.evaluation.graph_to_dict`.
        """
        given: dict[str, np.ndarray] = {}
        if task != 'sgdet':
            given['boxes'] = np.array(
                [box.corners for box in boxes], np.float32
            ).reshape(-1, 4)
        if task == 'predcls':
            given['labels'] = np.array([box.label for box in boxes], np.int64)
        result = self._worker.submit(
            self.inferencer,
            np.ascontiguousarray(image[..., ::-1]),
            task=task,
            **given,
        ).result()
        return result['predictions'][0]
