"""Which outputs of a network are rounded in its int8 file, and which of them share one range.

This follows the operators of TFLite: one that only moves values keeps their scale, all that is concatenated has one
scale, and a ReLU right after an operator is a part of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgedigits_train.quantization.kinds import AVERAGE, JOIN, factor_of, fixed_range, is_fused, is_rounded, keeps_scale
from edgedigits_train.quantization.network import Network, Node

Range = tuple[float, float]
PIXELS: Range = (0.0, 255.0)


@dataclass(frozen=True, slots=True)
class Plan:
    """The ranges that a network needs.

    Attributes
    ----------
    groups: the name of the range by the name of each layer whose output is rounded, and of the input. A range has the
        name of one of its layers.
    fixed: the ends of the ranges that are not learned.
    in_float: the layers whose operators are not known here: they compute in float, and their output is rounded.

    """

    groups: dict[str, str]
    fixed: dict[str, Range]
    in_float: tuple[Node, ...]

    def rounds(self, node: Node) -> bool:
        """Return whether a layer makes values that are not on the grid of its range yet."""
        on_grid = node.kind == JOIN or (keeps_scale(node) and node.kind != AVERAGE)
        return node.name in self.groups and not on_grid


def plan_ranges(network: Network) -> Plan:
    """Return the ranges of a network that was lowered, from the input to the scores before the softmax at its end."""
    groups, fixed, in_float = {network.input: network.input}, {network.input: PIXELS}, []
    for node in list(network.nodes.values())[:-1]:
        sources = [groups.get(source, "") for source in node.inputs]
        if is_fused(node, network.readers(node.name)):
            continue
        if keeps_scale(node):
            groups[node.name] = sources[0]
            continue
        groups[node.name] = node.name
        if ends := fixed_range(node):
            fixed[node.name] = ends
        elif (factor := factor_of(node)) is not None and sources[0] in fixed:
            fixed[node.name] = _scaled(fixed[sources[0]], factor)
        elif node.kind == JOIN:
            joined = set(sources) - fixed.keys()
            groups = {name: node.name if group in joined else group for name, group in groups.items()}
        elif not is_rounded(node):
            in_float.append(node)
    return Plan(groups, fixed, tuple(in_float))


def _scaled(ends: Range, factor: float) -> Range:
    low, high = sorted(end * factor for end in ends)
    return low, high
