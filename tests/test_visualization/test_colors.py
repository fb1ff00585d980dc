from mmsgg.visualization.colors import text_color


def test_text_contrasts_with_its_background():
    assert sum(text_color((255, 240, 0))) < 100
    assert sum(text_color((0, 0, 160))) > 700
