"""Training on a detector that is made to get classes wrong."""

import pytest
import torch

from mmsgg.testing import write_toy_vg

from ...folders import ROOT
from ...scripts import load_tool

class_errors = load_tool('analysis_tools/benchmark_class_errors')


@pytest.mark.parametrize('num', [0, 1, 4000])
def test_a_share_of_the_classes_is_exchanged(num):
    torch.manual_seed(0)
    logits = torch.randn(num, 5)
    logits[:, -1] += 1
    before = logits.clone()
    for share, spread in ((0.0, 0), (0.35, 0.03), (1.0, 0)):
        exchanged = class_errors.exchange_classes(logits, share)
        assert torch.equal(logits, before)
        assert torch.equal(exchanged[:, -1], logits[:, -1])
        assert torch.equal(*(v.sort(dim=1)[0] for v in (exchanged, logits)))
        new, old = (v[:, :-1].argmax(dim=1) for v in (exchanged, logits))
        wrong = (new != old).float().mean() if num > 1 else share
        assert wrong == pytest.approx(share, abs=spread)
    if num > 1:  # every other class is as likely
        counts = ((new - old) % 4).bincount(minlength=4) / num
        expected = torch.tensor([0.0, 1 / 3, 1 / 3, 1 / 3])
        torch.testing.assert_close(counts, expected, atol=0.03, rtol=0)


def test_both_shares_are_trained_and_tabulated(tmp_path, capsys):
    root = tmp_path / 'toy'
    write_toy_vg(root, num_train=8, num_test=2, progress=False)
    class_errors.main(
        [
            str(ROOT / 'configs' / 'toy' / 'sgdet.py'),
            *('--data-root', str(root), '--work-dir', str(tmp_path / 'work')),
            *('--seeds', '0', '--shares', '0', '0.5', '--cfg-options'),
            'train_dataloader.dataset.num_val=4',
            'model.object_source.score_thr=0.0',
        ]
    )
    rows = capsys.readouterr().out.splitlines()[-4:]
    header = rows[0].split('|')[1:-1]
    assert [h.strip() for h in header] == [
        'classes in training', 'R@20', 'mR@20',
    ]  # fmt: skip
    assert [row.split('|')[1].strip() for row in rows[2:]] == [
        '0% wrong', '50% wrong',
    ]  # fmt: skip
