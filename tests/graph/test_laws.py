"""What holds for every graph, tried on random ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infradb.graph.chain import as_tree, chain
from infradb.graph.impact import STATES, impact, way
from infradb.graph.needs import Graph, Need
from infradb.graph.order import boot_order
from infradb.graph.single_points import single_points

THINGS = range(1, 9)
GROUPED = st.sampled_from([("", ""), ("", ""), ("a", ""), ("a", "all"), ("b", "2"), ("b", "2 of 3")])
NEEDS = st.builds(
    lambda a, b, strength, group, origin: Need(a, b, "needs", strength, group[0], group[1], origin),
    st.sampled_from(THINGS), st.sampled_from(THINGS), st.sampled_from(["hard", "hard", "soft", "optional"]), GROUPED,
    st.sampled_from(["declared", "observed", "inferred"]),
)  # fmt: skip
GRAPHS = st.lists(NEEDS, max_size=24).map(Graph.of)
HARD = st.lists(st.tuples(st.sampled_from(THINGS), st.sampled_from(THINGS)), max_size=20).map(
    lambda pairs: Graph.of(Need(a, b) for a, b in pairs)
)
SOME = st.sets(st.sampled_from(THINGS))


def badness(graph: Graph, dead: set[int]) -> dict[int, int]:
    return {i: len(STATES) - STATES.index(e.state) for i, e in impact(graph, dead).items()}


@given(GRAPHS, SOME, SOME)
def test_the_more_dies_the_worse_it_is_for_everything(graph: Graph, some: set[int], more: set[int]) -> None:
    less, worse = badness(graph, some), badness(graph, some | more)
    assert all(worse.get(i, 0) >= state for i, state in less.items())


@given(GRAPHS)
def test_killing_everything_kills_everything(graph: Graph) -> None:
    assert {i: e.state for i, e in impact(graph, THINGS).items()} == dict.fromkeys(THINGS, "down")


@given(GRAPHS, SOME)
def test_what_is_hit_is_hit_by_what_is_hit_before_it(graph: Graph, dead: set[int]) -> None:
    found = impact(graph, dead)
    for id_, effect in found.items():
        needs = way(found, id_)
        assert len(needs) == effect.distance
        assert (needs[-1].dependency if needs else id_) in dead
        assert [n.dependent for n in needs] == [id_, *(n.dependency for n in needs[:-1])][: len(needs)]


@given(HARD)
def test_depends_is_the_reverse_of_impact_where_nothing_stands_in(graph: Graph) -> None:
    needed = {(a, link.id) for a in THINGS for link in chain(graph, a, hard_only=True)}
    hit = {(a, dead) for dead in THINGS for a in impact(graph, [dead])}
    assert needed == hit


@given(GRAPHS)
def test_a_tree_holds_each_thing_of_a_chain_once_below_what_needs_it(graph: Graph) -> None:
    links = chain(graph, 1)
    tree = as_tree(links)
    assert sorted(link.id for link in tree) == sorted(link.id for link in links)
    place = {link.id: n for n, link in enumerate(tree)}
    assert all(place[link.by.dependent] < place[link.id] for link in tree if link.by)


@given(GRAPHS, SOME)
def test_nothing_starts_before_what_it_needs_but_where_a_circle_was_broken(graph: Graph, some: set[int]) -> None:
    order = boot_order(graph, some)
    wave = {id_: n for n, ids in enumerate(order.waves) for id_ in ids}
    assert sorted(i for ids in order.waves for i in ids) == sorted(some)
    broken = {(c.passed_over.dependent, c.passed_over.dependency) for c in order.circles}
    for id_ in some:
        for need in graph.needs.get(id_, ()):
            if need.dependency in some and (id_, need.dependency) not in broken:
                assert wave[need.dependency] < wave[id_]


@given(GRAPHS, SOME)
def test_each_broken_circle_is_one_and_is_broken_at_one_of_its_needs(graph: Graph, some: set[int]) -> None:
    for circle in boot_order(graph, some).circles:
        pairs = list(zip(circle.things, (*circle.things[1:], circle.things[0]), strict=True))
        assert all(any(n.dependency == b for n in graph.needs[a]) for a, b in pairs)
        assert (circle.passed_over.dependent, circle.passed_over.dependency) in pairs


@given(HARD, SOME)
def test_no_circle_is_told_where_there_is_none(graph: Graph, some: set[int]) -> None:
    upwards = Graph.of(n for needs in graph.needs.values() for n in needs if n.dependent > n.dependency)
    assert boot_order(upwards, some).circles == ()


@given(GRAPHS, SOME)
def test_single_points_are_what_impact_says_of_each_lone_loss(graph: Graph, watched: set[int]) -> None:
    found = {p.id: (set(p.takes), set(p.degrades)) for p in single_points(graph, watched)}
    for dead in THINGS:
        effects = impact(graph, [dead])
        hit = {s: {i for i, e in effects.items() if e.state == s and i in watched} - {dead} for s in STATES}
        assert found.get(dead, (set(), set())) == (hit["down"], hit["degraded"])


@given(GRAPHS, SOME)
def test_a_graph_that_grows_with_the_answer_gives_the_same_one(graph: Graph, dead: set[int]) -> None:
    growing, done = Graph(), set[int]()

    def load(ids) -> None:
        for need in (n for i in set(ids) - done for n in graph.needed.get(i, ())):
            growing.add(need)
            if need.group:
                growing.grouped[need.dependent, need.group] = graph.grouped[need.dependent, need.group]
        done.update(ids)

    assert badness(graph, dead) == {
        i: len(STATES) - STATES.index(e.state) for i, e in impact(growing, dead, load).items()
    }
