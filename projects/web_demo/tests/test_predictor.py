import threading
import time

import numpy as np
import pytest

from fake_inferencer import CLASSES, FakeInferencer
from web_page import Predictor
from web_page.user_boxes import UserBox

IMAGE = np.zeros((8, 10, 3), np.uint8)
BOXES = [UserBox((1.0, 2.0, 3.0, 4.0), 2), UserBox((0.0, 0.0, 9.0, 8.0), 0)]


def test_each_task_gives_the_model_what_it_takes():
    fake = FakeInferencer()
    predictor = Predictor(fake, CLASSES)
    for task in ('sgdet', 'sgcls', 'predcls'):
        graph = predictor(IMAGE, task, BOXES)
        assert (graph['width'], graph['height']) == (10, 8)
    assert [call['task'] for call in fake.calls] == [
        'sgdet',
        'sgcls',
        'predcls',
    ]
    detected, boxed, named = fake.calls
    assert detected['boxes'] is detected['labels'] is boxed['labels'] is None
    assert boxed['boxes'].tolist() == [[1, 2, 3, 4], [0, 0, 9, 8]]
    assert named['labels'].tolist() == [2, 0]


def test_the_model_gets_bgr():
    seen = []

    def model(inputs, task):
        seen.append(inputs)
        return dict(predictions=[{}])

    Predictor(model, CLASSES)(IMAGE + np.uint8([1, 2, 3]), 'sgdet')
    assert (seen[0] == [3, 2, 1]).all()
    assert seen[0].flags.c_contiguous


def test_one_forward_at_a_time():
    running, most, lock = [0], [0], threading.Lock()

    def model(inputs, task):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.01)
        running[0] -= 1
        return dict(predictions=[{}])

    predictor = Predictor(model, CLASSES)
    threads = [
        threading.Thread(target=predictor, args=(IMAGE, 'sgdet'))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_few_images_are_held_at_a_time():
    predictor = Predictor(
        FakeInferencer(), CLASSES, max_requests=2, patience=0.01
    )
    with predictor.slot(), predictor.slot():
        with pytest.raises(ValueError, match='busy'):
            predictor.slot().__enter__()
    with predictor.slot():
        pass  # they are free again
