"""The search of a repair, on models that are a sum of what each operator loses in integers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits_export.convert.recipe import Operator, RangeMethod, Recipe, WeighedOperator
from edgedigits_export.repair.search import Search, search
from edgedigits_export.repair.trial import Trial

MARGIN = 0.5


class Sum:
    """A model whose losses add up; ``narrow`` is what ranges by mse take away from them."""

    def __init__(self, losses: list[float], sizes: list[int], narrow: float = 0.0, refuses: str | None = None) -> None:
        self.losses, self.sizes, self.narrow, self.refuses = losses, sizes, narrow, refuses
        self.weighed = 0

    def try_recipe(self, recipe: Recipe) -> Trial:
        quantized = [i for i in range(len(self.losses)) if f"op{i}" not in recipe.in_float]
        loss = sum(self.losses[i] for i in quantized) - (self.narrow if recipe.ranges == "mse" else 0)
        size = sum(self.sizes) + 3 * sum(self.sizes[i] for i in range(len(self.losses)) if i not in quantized)
        refused = self.refuses if self.refuses and f"op{0}" not in recipe.in_float else None
        within = loss <= MARGIN and refused is None
        return Trial(recipe, size, loss, loss, max(loss, 0.0), within, refused=refused)

    def weigh(self, _ranges: RangeMethod = "min-max") -> list[WeighedOperator]:
        self.weighed += 1
        return [
            WeighedOperator(Operator(f"op{i}", size), loss)
            for i, (loss, size) in enumerate(zip(self.losses, self.sizes, strict=True))
        ]

    def search(self) -> Search:
        return search(self.try_recipe, self.weigh)


def test_a_whole_file_within_the_margin_is_taken_and_nothing_is_weighed() -> None:
    model = Sum([0.1, 0.2], [10, 10])
    found = model.search()
    assert found.best is not None
    assert found.best.recipe.in_float == ()
    assert model.weighed == 0


def test_ranges_that_repair_cost_nothing_and_come_first() -> None:
    model = Sum([0.4, 0.3], [10, 10], narrow=0.3)
    found = model.search()
    assert found.best is not None
    assert found.best.recipe == Recipe("mse")
    assert model.weighed == 0


def test_one_bad_operator_stays_in_float_with_the_best_ranges() -> None:
    model = Sum([0.1, 5.0, 0.1, 0.1], [10, 10, 10, 10], narrow=0.1)
    found = model.search()
    assert found.best is not None
    assert found.best.recipe == Recipe("mse", ("op1",))


def test_of_two_that_spoil_alike_the_small_one_stays_in_float() -> None:
    found = Sum([0.4, 0.4], [10_000, 10]).search()
    assert found.best is not None
    assert found.best.recipe.in_float == ("op1",)


def test_a_large_operator_that_is_not_needed_goes_back_to_integers() -> None:
    # Alone it looks worst, by far; with the others in float it does no harm.
    losses = [0.6, 0.3, 0.3]
    model = Sum(losses, [1000, 10, 10])
    model.weigh = lambda _ranges="min-max": [  # type: ignore[method-assign]
        WeighedOperator(Operator(f"op{i}", size), harm)
        for i, (size, harm) in enumerate([(1000, 900.0), (10, 0.3), (10, 0.3)])
    ]
    model.losses = [0.0, 0.4, 0.4]
    found = model.search()
    assert found.best is not None
    assert "op0" not in found.best.recipe.in_float


def test_what_a_target_refuses_is_not_taken() -> None:
    found = Sum([0.0, 0.0], [10, 10], refuses="pi4: cannot run").search()
    assert found.best is not None
    assert "op0" in found.best.recipe.in_float
    assert [trial.refused is None for trial in found.tried[:3]] == [False] * 3


def test_where_nothing_helps_everything_tried_is_told() -> None:
    found = Sum([2.0, 1.0, 1.0, 1.0, 0.0], [10, 10, 10, 10, 0]).search()
    assert found.best is None
    assert [len(trial.recipe.in_float) for trial in found.tried] == [0, 0, 0, 1, 2, 3]


@pytest.mark.parametrize("sizes", [[10], [10, 0], [0, 10]])
def test_no_file_without_integer_constants_is_tried(sizes: list[int]) -> None:
    found = Sum([1.0] * len(sizes), sizes).search()
    assert found.best is None
    weighty = {f"op{index}" for index, size in enumerate(sizes) if size}
    assert not [trial for trial in found.tried if weighty <= set(trial.recipe.in_float)]


@given(
    st.lists(st.tuples(st.floats(0, 2), st.integers(0, 500)), min_size=1, max_size=24),
    st.floats(0, 0.3),
)
def test_the_best_is_within_the_margin_and_none_tried_within_it_is_cheaper(
    operators: list[tuple[float, int]], narrow: float
) -> None:
    model = Sum([loss for loss, _ in operators], [size for _, size in operators], narrow)
    found = model.search()
    kept = {name for trial in found.tried for name in trial.recipe.in_float}
    weighty = {f"op{index}" for index, (_, size) in enumerate(operators) if size}
    if found.best is None:
        assert len(weighty - kept) <= 1  # all but one were tried
    else:
        assert found.best.within
        assert found.best.cost == min(trial.cost for trial in found.tried if trial.within)
        assert not weighty or not found.best.recipe.in_float or weighty - set(found.best.recipe.in_float)
    assert len({trial.recipe for trial in found.tried}) == len(found.tried)
    assert len(found.tried) <= 3 + 2 * 5 + 6


def test_the_latency_decides_where_it_is_known() -> None:
    small = Trial(Recipe(), 10, 0, 0, 0, within=True, microseconds=9.0)
    fast = Trial(Recipe("mse"), 20, 0, 0, 0, within=True, microseconds=5.0)
    found = search(lambda recipe: fast if recipe == Recipe("mse") else small, lambda _: [])
    assert found.best is fast
