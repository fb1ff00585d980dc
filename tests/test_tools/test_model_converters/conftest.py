"""A converter as a test calls it."""

import pytest
import torch


@pytest.fixture
def convert(request, tmp_path):
    """The ``command`` of the module of the test, from file to file."""

    def convert(content, *argv):
        """Convert and give back what the new file holds."""
        there, here = tmp_path / 'theirs.pth', tmp_path / 'new/ours.pth'
        torch.save(content, there)
        request.module.command.main([str(there), str(here), *argv])
        return torch.load(here, weights_only=True)

    return convert
