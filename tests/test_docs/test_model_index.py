"""model-index.yml and the metafiles it imports name what is there."""

from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.fileio import load

ROOT = Path(__file__).parents[2]
FILES = load(ROOT / 'model-index.yml')['Import']


def test_all_metafiles_are_imported():
    found = {
        p.relative_to(ROOT).as_posix() for p in ROOT.glob('configs/*/*.yml')
    }
    assert found == set(FILES)


def test_every_method_has_a_metafile():
    others = {'_base_', 'detection', 'toy'}  # and data sets
    others |= {'gqa', 'open_images', 'psg', 'vrd'}
    folders = {p.parent.name for p in ROOT.glob('configs/*/*.py')}
    methods = {Path(file).parent.name for file in FILES}
    assert others < folders and folders - others == methods


@pytest.mark.parametrize('file', FILES)
def test_a_metafile_names_what_is_there(file):
    content = load(ROOT / file)
    [collection] = content['Collections']
    for path in (collection['Code']['URL'], collection.get('README', file)):
        assert (ROOT / path).is_file()
    names = [model['Name'] for model in content['Models']]
    assert len(set(names)) == len(names)
    for model in content['Models']:
        assert model['In Collection'] == collection['Name']
        cfg = Config.fromfile(ROOT / model['Config'])
        task = cfg.model.get('task', 'detector')
        assert task in model['Config'] or task == 'detector'
        assert 'not measured' in model['Metadata']['Results Are']
        for result in model['Results']:
            for name, value in result['Metrics'].items():
                assert 0 < value < 100, name
