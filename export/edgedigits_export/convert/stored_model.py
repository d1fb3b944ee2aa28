"""A frozen model as files, so that another process converts it: two TensorFlow graphs, and what converters ask for."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

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

    def concrete_function(self, batch: int | None) -> Any:
        """Return the graph from ``image`` uint8 to ``probabilities``, for so many images."""


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model in a folder that `store_model` wrote; the attributes are those of `FrozenModel`."""

    folder: str
    input_shape: tuple[int, int, int]
    classes: int
    any_size: bool
    needs_softmax: bool
    ends: dict[str, tuple[str, str]]

    @classmethod
    def load(cls, folder: Path) -> StoredModel:
        """Read what `store_model` wrote."""
        about = json.loads((folder / _ABOUT).read_text())
        ends = {name: (first, last) for name, (first, last) in about.pop("ends").items()}
        return cls(folder=str(folder), input_shape=tuple(about.pop("input_shape")), ends=ends, **about)

    def scores_function(self) -> tuple[Any, bool]:
        """Return the graph from ``pixels`` to scores, for one image, and whether a softmax has to follow."""
        return self._function("scores"), self.needs_softmax

    def concrete_function(self, batch: int | None) -> Any:  # noqa: ARG002  only the one with a free first axis is stored
        """Return the graph from ``image`` uint8 to ``probabilities``, for any number of images."""
        return self._function("contract")

    def _function(self, name: str) -> Any:
        tf = load("tensorflow").compat.v1
        with quiet():
            graph = tf.GraphDef.FromString(Path(self.folder, f"{name}.pb").read_bytes())
            whole = tf.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
            return whole.prune(*self.ends[name])


def store_model(frozen: Convertible, folder: Path, *, contract: bool) -> None:
    """Write a model's graphs, the one of the ``contract`` only where it is asked for."""
    scores, needs_softmax = frozen.scores_function()
    functions = {"scores": scores} | ({"contract": frozen.concrete_function(None)} if contract else {})
    for name, function in functions.items():
        (folder / f"{name}.pb").write_bytes(function.graph.as_graph_def().SerializeToString(deterministic=True))
    ends = {name: (function.inputs[0].name, function.outputs[0].name) for name, function in functions.items()}
    model = StoredModel(str(folder), frozen.input_shape, frozen.classes, frozen.any_size, needs_softmax, ends)
    about = {name: value for name, value in asdict(model).items() if name != "folder"}
    (folder / _ABOUT).write_text(json.dumps(about))
