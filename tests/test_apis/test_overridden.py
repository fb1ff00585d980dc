from types import SimpleNamespace

import pytest

from mmsgg.apis.overridden import overridden


def test_values_come_back_after_an_error():
    target = SimpleNamespace(task='sgdet', topk=20)
    with (
        pytest.raises(RuntimeError),
        overridden(target, task='sgcls', topk=None),
    ):
        assert target == SimpleNamespace(task='sgcls', topk=20)
        raise RuntimeError
    assert target == SimpleNamespace(task='sgdet', topk=20)


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError), overridden(object(), task='sgcls'):
        pass
