"""The configs that tools/misc/new_dataset.py writes fit the data."""

import doctest
import json
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.utils import get_installed_path

from mmsgg.registry import MODELS

from ..folders import ROOT
from ..scripts import load_tool
from ..test_datasets.test_annotation_tools import CVAT

TOOL = load_tool('misc/new_dataset')
check_config = load_tool('analysis_tools/check_dataset').check_config


def graphs(images, box=(5, 5, 20, 20), predicate='on'):
    """Images of 100 x 80 with two boxes and a relation, as JSON."""
    return dict(
        images=[
            dict(id=i, file_name=f'{i}.jpg', width=100, height=80)
            for i in images
        ],
        categories=[dict(id=k, name=f'c{k}') for k in range(3)],
        annotations=[
            dict(id=3 * i + k, image_id=i, category_id=k, bbox=box)
            for i in images
            for k in range(3)
        ],
        predicates=[dict(id=0, name=predicate), dict(id=1, name='near')],
        relations=[
            dict(
                image_id=i,
                subject_id=3 * i,
                object_id=3 * i + 1,
                predicate_id=i % 2,
            )
            for i in images
        ],
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The root of a checkout with a folder of data."""
    (tmp_path / 'configs').mkdir()
    for path in (ROOT / 'configs').iterdir():
        (tmp_path / 'configs' / path.name).symlink_to(path)
    (tmp_path / 'data' / 'mine' / 'images').mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / 'data' / 'mine'


def put(folder, **files):
    for name, content in files.items():
        (folder / f'{name}.json').write_text(json.dumps(content))
        for image in content['images']:
            (folder / 'images' / image['file_name']).touch()


def configs(*arguments):
    TOOL.main(['data/mine', *arguments])
    return [
        Config.fromfile(f'configs/mine/{stage}.py')
        for stage in ('detector', 'sgdet')
    ]


def test_examples_in_docstrings():
    assert doctest.testmod(TOOL) == (0, 2)


@pytest.mark.parametrize('detector', TOOL.DETECTORS)
def test_configs_fit_the_data(folder, detector, capsys):
    put(folder, graphs=graphs(range(40)))
    stage_1, stage_2 = configs('--detector', detector)
    for cfg in (stage_1, stage_2):
        report = check_config(cfg, with_images=False)
        assert report.num_errors == 0, str(report)
        assert [size[1] for size in report.sizes] == [32, 4, 4]
        for split in ('train', 'val', 'test'):
            steps = cfg[f'{split}_dataloader'].dataset.pipeline
            [resize] = [one for one in steps if one.type == 'mmdet.Resize']
            flips = any(one.type == 'mmdet.RandomFlip' for one in steps)
            assert flips == (split == 'train')
            side = resize.scale[0]
            assert resize.scale == (side, side) and side % 32 == 0
        model = cfg.model.get('detector', cfg.model)
        assert model.data_preprocessor.pad_size_divisor == side
        assert cfg.train_cfg.max_epochs == 50
        assert 'mine' not in cfg
    assert stage_2.model.task == 'sgdet'
    assert stage_2.load_from == 'work_dirs/mine/detector/epoch_50.pth'
    said = capsys.readouterr().out
    if detector == 'toy':
        assert stage_1.load_from is None and 'downloads' not in said
    else:
        assert stage_1.load_from.endswith('.pth')
        assert f'downloads {stage_1.load_from}' in said
    assert 'WARNING' not in said and 'data/mine/images/' in said


@pytest.mark.parametrize('detector', ['rtmdet_s', 'r50_fpn'])
def test_only_the_classes_of_coco_start_anew(folder, detector):
    put(folder, graphs=graphs(range(9)))
    stage_1, _ = configs('--detector', detector)
    name = TOOL.DETECTORS[detector].weights
    [path] = TOOL.mmdet_configs().glob(f'*/{name}.py')
    ours, coco = (
        {
            key: value.shape
            for key, value in MODELS.build(dict(cfg.model, _scope_='mmdet'))
            .state_dict()
            .items()
        }
        for cfg in (stage_1, Config.fromfile(path))
    )
    assert ours.keys() == coco.keys()
    changed = {key for key in ours if ours[key] != coco[key]}
    assert changed and all('cls' in key or 'fc_reg' in key for key in changed)


def test_splits_of_ones_own_stay(folder):
    parts = dict(train=range(6), val=range(6, 8), test=range(8, 9))
    put(folder, **{name: graphs(rows) for name, rows in parts.items()})
    _, cfg = configs('--detector', 'toy')
    for split in parts:
        file = cfg[f'{split}_dataloader'].dataset.ann_file
        assert file == f'{split}.json'
    assert not (folder / 'split').exists()


def test_a_split_may_serve_twice(folder, capsys):
    put(folder, train=graphs(range(6)), val=graphs(range(6, 8)))
    _, cfg = configs('--detector', 'toy')
    assert cfg.test_dataloader.dataset.ann_file == 'val.json'
    assert 'no test set: val serves as both' in capsys.readouterr().out


def test_images_are_split_once_and_alike(folder):
    put(folder, graphs=graphs(range(20)))
    data = TOOL.read_data(folder, 'json')
    parts, again = (TOOL.split_images(data.graphs['train']) for _ in '12')
    ids = {split: part.img_ids.tolist() for split, part in parts.items()}
    assert [len(rows) for rows in ids.values()] == [16, 2, 2]
    assert sorted(i for rows in ids.values() for i in rows) == [*range(20)]
    assert ids == {key: part.img_ids.tolist() for key, part in again.items()}
    few = data.graphs['train'].take(range(2))
    with pytest.raises(ValueError, match='2 images have a relation'):
        TOOL.split_images(few)


def test_other_formats(folder, capsys):
    text = CVAT.format(relations='under: a', values='')
    image, last = text.index('<image id="0"'), text.index('<image id="1"')
    more = ''.join(
        text[image:last].replace('yard/a', f'a{k}').replace('"0"', f'"{k}"', 1)
        for k in (2, 3)
    )
    (folder / 'train.xml').write_text(text[:last] + more + text[last:])
    for name in ('yard/a.png', 'a2.png', 'a3.png', 'b.png'):
        (folder / 'images' / name).parent.mkdir(exist_ok=True)
        (folder / 'images' / name).touch()
    _, cfg = configs('--detector', 'toy', '--from', 'cvat')
    assert check_config(cfg, with_images=False).sizes
    assert cfg.model.relation_head.num_predicates == 1
    assert '2 classes and 1 predicate;' in capsys.readouterr().out


def test_a_name_with_space_and_quote(folder):
    folder = folder.rename(folder.with_name("Ann's data"))
    put(folder, graphs=graphs(range(9)))
    TOOL.main([str(folder), '--detector', 'toy'])
    cfg = Config.fromfile("configs/Ann's data/sgdet.py")
    assert cfg.load_from == "work_dirs/Ann's data/detector/epoch_50.pth"
    assert check_config(cfg, with_images=False).num_errors == 0


def test_left_and_right_are_not_flipped(folder):
    put(folder, graphs=graphs(range(9), predicate='left of'))
    for cfg, flips in zip(
        configs('--detector', 'toy'), (True, False), strict=True
    ):
        steps = cfg.train_dataloader.dataset.pipeline
        assert any(one.type == 'mmdet.RandomFlip' for one in steps) == flips


def test_small_boxes_get_a_larger_image_or_a_warning(folder, capsys):
    put(folder, graphs=graphs(range(9), box=(5, 5, 10, 10)))
    _, cfg = configs('--detector', 'toy')
    # a tenth of the image has 24 pixels in one of 240
    assert cfg.model.detector.data_preprocessor.pad_size_divisor == 256
    assert 'median box 26' in capsys.readouterr().out
    (folder / 'split').rename(folder / 'earlier')
    detector = ['--detector', 'toy', '--side', '224', '--name', 'other']
    TOOL.main(['data/mine/graphs.json', *detector])
    said = capsys.readouterr().out
    assert 'median box 22' in said
    assert 'WARNING: half of the boxes are under 24' in said
    assert 'configs/other/sgdet.py' in said


def test_weights_have_many_names(folder):
    put(folder, graphs=graphs(range(3)))
    file = folder / 'start.pth'
    file.touch()
    find = TOOL.coco_weights
    assert find(str(file), 'x') == str(file)
    assert find('https://a/b.pth', 'x') == 'https://a/b.pth'
    assert find('none', 'x') is None and find(None, None) is None
    rtmdet = find('rtmdet_tiny_8xb32-300e_coco', None)
    assert rtmdet.startswith('http') and 'rtmdet_tiny' in rtmdet
    with pytest.raises(FileNotFoundError, match="'resnet' is neither a file"):
        find('resnet', None)


def refused(*arguments):
    with pytest.raises(SystemExit) as stop:
        TOOL.main([*arguments, '--detector', 'toy'])
    return str(stop.value)


def test_nothing_is_overwritten(folder):
    put(folder, graphs=graphs(range(9)))
    configs('--detector', 'toy')
    files = [TOOL.Path(f'configs/mine/{s}.py') for s in ('detector', 'sgdet')]
    before = [file.read_text() for file in files]
    assert "'configs/mine' is there already" in refused('data/mine')
    assert 'split' in refused('data/mine', '--name', 'other')
    assert not TOOL.Path('configs/other').exists()
    assert [file.read_text() for file in files] == before


def test_what_is_wrong_is_said_before_anything_is_written(folder):
    assert "no folder 'data/no'" in refused('data/no')
    assert "'data/mine' has 0 JSON files" in refused('data/mine')
    put(folder, graphs=graphs(range(9)))
    (folder / 'images' / '7.jpg').unlink()
    said = refused('data/mine')
    assert "1 of 9 images are not in 'data/mine/images'" in said
    assert '7.jpg' in said and '--images' in said
    (folder / 'images' / '7.jpg').touch()
    put(folder, graphs=graphs(range(2)))
    assert '2 images have a relation' in refused('data/mine')
    none = graphs(range(4)) | dict(annotations=[], relations=[])
    put(folder, graphs=none)
    assert 'has a box' in refused('data/mine')
    put(folder, other=none)
    assert "'data/mine' has 2 JSON files" in refused('data/mine')
    put(folder, val=graphs(range(3)), test=graphs(range(3)))
    assert 'no training set' in refused('data/mine')
    for split in ('train', 'test'):
        put(folder, **(dict(train=graphs(range(3))) | {split: graphs([])}))
        assert f'no image of the {split} set' in refused('data/mine')
    assert not (folder / 'split').exists()
    assert not TOOL.Path('configs/mine').exists()


def test_without_a_clone(folder, monkeypatch, capsys):
    if not Path(get_installed_path('mmsgg'), '.mim').exists():
        pytest.skip('mmengine 0.10.7 does not find an editable install')
    put(folder, graphs=graphs(range(9)))
    monkeypatch.chdir(folder)
    TOOL.main(['.', '--detector', 'toy', '--photo', 'a b.jpg'])
    cfg = Config.fromfile('configs/mine/sgdet.py')
    assert cfg.model.relation_head.num_predicates == 2
    assert check_config(cfg, with_images=False).num_errors == 0
    *_, check, stage_1, _, _, draw = capsys.readouterr().out.splitlines()
    assert check == 'mmsgg check configs/mine/sgdet.py'
    assert stage_1 == 'mmsgg train configs/mine/detector.py'
    assert draw.startswith("mmsgg infer 'a b.jpg' configs/mine/sgdet.py work")
