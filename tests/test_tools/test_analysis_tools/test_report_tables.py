import csv
import doctest

from ...scripts import load_tool

report_tables = load_tool('analysis_tools/report_tables')


def test_examples_in_docstrings():
    assert doctest.testmod(report_tables) == (0, 2)


def test_numbers_stand_to_the_right():
    rows = [('a', 1.5, 7), ('long name', 10, 100)]
    lines = report_tables.text_table(('name', 'x', 'n'), rows).splitlines()
    assert lines[1] == '| name      |     x |   n |'
    assert lines[3:5] == [
        '| a         | 1.500 |   7 |',
        '| long name |    10 | 100 |',
    ]


def test_tables_without_rows():
    heads = ['name', 'count']
    assert report_tables.text_table(heads, []).count('\n') == 2
    assert report_tables.markdown_table(heads, []) == (
        '| name | count |\n|------|-------|'
    )


def test_csv_quotes_what_needs_it(tmp_path):
    path = tmp_path / 'table.csv'
    rows = [['on, top of', '1'], ['"über"', '2']]
    report_tables.write_csv(path, ['name', 'count'], rows)
    with path.open(newline='', encoding='utf-8') as file:
        assert list(csv.reader(file)) == [['name', 'count'], *rows]
