"""Random scene graphs."""

from hypothesis import strategies as st

NAMES = st.one_of(
    st.none(),
    st.sampled_from(['man', 'flying over', 'Küche', '"a"\\n<b>&', '猫']),
    st.text(min_size=1, max_size=5).filter(str.isprintable),
)
SCORES = st.floats(0, 1).map(lambda score: float(f'{score:.6g}'))
SIDES = st.floats(0, 2000).map(lambda side: round(side, 2))


@st.composite
def graphs(draw):
    """What ``graph_to_dict`` and ``filter_graph`` give, and then some."""
    ids = draw(st.lists(st.integers(0, 99), unique=True, max_size=5))
    objects = [
        dict(
            id=number,
            label=draw(st.integers(0, 149)),
            name=draw(NAMES),
            box=[draw(SIDES) for _ in range(4)],
            score=draw(SCORES),
        )
        for number in ids
    ]
    ends = st.sampled_from(ids) if ids else st.nothing()
    triplets = [
        dict(
            subject_id=draw(ends),
            object_id=draw(ends),
            label=draw(st.integers(0, 49)),
            name=draw(NAMES),
            score=draw(SCORES),
        )
        for _ in range(draw(st.integers(0, 8)) if ids else 0)
    ]
    return dict(
        id=draw(st.one_of(st.none(), st.integers(0, 10**9), NAMES)),
        file_name=draw(NAMES),
        width=draw(st.one_of(st.none(), st.integers(1, 9999))),
        height=draw(st.one_of(st.none(), st.integers(1, 9999))),
        objects=objects,
        triplets=triplets,
    )


GRAPH = dict(
    id=7,
    file_name='7.jpg',
    width=40,
    height=30,
    objects=[
        dict(id=0, label=1, name='man', box=[0.0, 0.0, 9.0, 9.5], score=0.5),
        dict(id=4, label=0, name='hat', box=[5.0, 5.0, 9.0, 9.0], score=1.0),
        dict(id=5, label=2, name=None, box=[5.0, 5.0, 9.0, 9.0], score=0.1),
    ],
    triplets=[
        dict(subject_id=0, object_id=4, label=1, name='wears', score=0.3),
        dict(subject_id=4, object_id=0, label=3, name='on', score=0.25),
        dict(subject_id=0, object_id=4, label=2, name=None, score=0.125),
    ],
)
