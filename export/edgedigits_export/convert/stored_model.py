"""A frozen model as files, so that another process converts it: two TensorFlow graphs, and what converters ask for."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from edgedigits_export.convert.memory import give_back
from edgedigits_export.lazy_imports import load, quiet

_ABOUT = "about.json"


class Convertible(Protocol):
    """What the converters ask of a model; `FrozenModel` and `StoredModel` both answer."""

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """``(H, W, C)`` of the images."""

    @property
    def classes(self) -> int:
        """The length of its vector of class scores."""

    @property
    def any_size(self) -> bool:
        """Whether it takes images of any size."""

    def scores_function(self) -> tuple[Any, bool]:
        """Return the graph from ``pixels`` to scores, for one image, and whether a softmax has to follow."""

    def contract_graph(self) -> Any:
        """Return the GraphDef from ``image`` uint8 to ``probabilities``, for any number of images."""


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model in a folder that `store_model` wrote; the attributes are those of `FrozenModel`."""

    folder: str
    input_shape: tuple[int, int, int]
    classes: int
    any_size: bool
    needs_softmax: bool
    scores_ends: tuple[str, str]

    @classmethod
    def load(cls, folder: Path) -> StoredModel:
        """Read what `store_model` wrote."""
        about = json.loads((folder / _ABOUT).read_text())
        shape, ends = (tuple(about.pop(name)) for name in ("input_shape", "scores_ends"))
        return cls(folder=str(folder), input_shape=shape, scores_ends=ends, **about)

    def scores_function(self) -> tuple[Any, bool]:
        """Return the graph from ``pixels`` to scores, for one image, and whether a softmax has to follow."""
        tf = load("tensorflow")
        first, last = self.scores_ends

        def scores(pixels: Any) -> Any:
            return tf.import_graph_def(self._graph("scores"), {first: pixels}, [last], name="")

        with quiet():
            spec = tf.TensorSpec((1, *self.input_shape), tf.float32, "pixels")
            return tf.compat.v1.wrap_function(scores, [spec]), self.needs_softmax

    def contract_graph(self) -> Any:
        """Return the GraphDef from ``image`` uint8 to ``probabilities``, for any number of images."""
        return self._graph("contract")

    def _graph(self, name: str) -> Any:
        return load("tensorflow").compat.v1.GraphDef.FromString(Path(self.folder, f"{name}.pb").read_bytes())


def store_model(frozen: Convertible, folder: Path, *, contract: bool) -> None:
    """Write a model's graphs, the one of the ``contract`` only where it is asked for."""
    give_back()  # each graph holds all weights
    scores, needs_softmax = frozen.scores_function()
    ends = scores.inputs[0].name, scores.outputs[0].name
    _write(scores.graph.as_graph_def(), folder / "scores.pb")
    del scores
    give_back()
    if contract:
        _write(frozen.contract_graph(), folder / "contract.pb")
    model = StoredModel(str(folder), frozen.input_shape, frozen.classes, frozen.any_size, needs_softmax, ends)
    about = {name: value for name, value in asdict(model).items() if name != "folder"}
    (folder / _ABOUT).write_text(json.dumps(about))


def _write(graph: Any, path: Path) -> None:
    path.write_bytes(graph.SerializeToString(deterministic=True))
