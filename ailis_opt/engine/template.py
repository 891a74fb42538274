"""From a Pyomo model to its pattern: rows, columns and coefficients as formulas of Params, read once.

A coefficient is an expression of mutable Params, such as `rate[7]*hours[0]`. All coefficients of one shape (`rate[.]*hours[.]`) are
evaluated together by numpy, over all slices at a time: the shape is walked once, its leaves become columns of the arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr import numeric_expr as ne
from pyomo.core.expr.numvalue import native_numeric_types

from ailis_models.arrays import Bools, Floats, Ints

CACHED = 2**16  # numbers that are evaluated at a time

Shape = tuple[Any, ...]
"""("const",) | ("param", name) | ("+" | "*" | "/", shape, ...) | ("neg", shape); leaves are numbered from left to right."""

_OPERATIONS: dict[type, str] = {
    ne.ProductExpression: "*",
    ne.NPV_ProductExpression: "*",
    ne.MonomialTermExpression: "*",
    ne.DivisionExpression: "/",
    ne.NPV_DivisionExpression: "/",
    ne.NegationExpression: "neg",
    ne.NPV_NegationExpression: "neg",
    ne.SumExpression: "+",
    ne.NPV_SumExpression: "+",
    ne.LinearExpression: "+",
}
"""What the shape of an expression says of its arguments."""
_CONST: Shape = ("const",)


class _Numbers(dict[float, int]):
    """Positions of the numbers among the formulas; a new one is added when it is asked for."""

    def __init__(self, add: Callable[[tuple[float, ...]], int]) -> None:
        self._add = add

    def __missing__(self, value: float) -> int:
        position = self[value] = self._add((value,))
        return position


@dataclass
class Coefficients:
    """A list of formulas over Params, grouped by shape as they are added."""

    params: Mapping[int, tuple[Shape, int]]  # id of the ParamData -> ("param", array), position
    count: int = 0

    def __post_init__(self) -> None:
        self._groups: dict[Shape, tuple[list[int], list[list[float]]]] = {}
        self._known: dict[tuple[Any, ...], int] = {}
        self.numbers = _Numbers(self.add)

    def add(self, *products: tuple[Any, ...]) -> int:
        """Add a sum of products of factors (numbers or Pyomo expressions without variables); returns its position."""
        leaves: list[float] = []
        shapes = [self._product(factors, leaves) for factors in products]
        shape = shapes[0] if len(shapes) == 1 else ("+", *shapes)
        key = (shape, *leaves)
        known = self._known.get(key)
        if known is not None:
            return known
        self._known[key] = self.count
        positions, rows = self._groups.setdefault(shape, ([], []))
        positions.append(self.count)
        rows.append(leaves)
        self.count += 1
        return self.count - 1

    def _product(self, factors: tuple[Any, ...], leaves: list[float]) -> Shape:
        scale, shapes = 1.0, []
        for factor in factors:
            if factor.__class__ in native_numeric_types:
                scale *= factor
            else:
                shapes.append(self._shape(factor, leaves))
        if not shapes or scale != 1.0:
            shapes.append(_CONST)
            leaves.append(scale)
        return shapes[0] if len(shapes) == 1 else ("*", *shapes)

    def _shape(self, expr: Any, leaves: list[float]) -> Shape:
        known = self.params.get(id(expr))
        if known is not None:
            leaves.append(known[1])
            return known[0]
        operation = _OPERATIONS.get(expr.__class__)
        if operation is not None:
            return (operation, *[self._shape(arg, leaves) for arg in expr.args])
        leaves.append(float(pyo.value(expr)))
        return _CONST

    def evaluate(self, arrays: Mapping[str, Floats], slices: int) -> Iterator[tuple[slice, Floats]]:
        """Yields (span of slices, (slices of the span, count)): some slices at a time, so that all stays in the processor's cache.

        What is yielded is overwritten by the next.
        """
        tables = [
            (shape, np.array(positions), np.array(rows, dtype=np.float64).reshape(len(rows), -1).T)
            for shape, (positions, rows) in self._groups.items()
        ]
        step = max(1, CACHED // max(self.count, 1))
        out = np.empty((min(step, slices), self.count))
        for first in range(0, slices, step):
            span = slice(first, min(first + step, slices))
            now = {name: values[span] if len(values) > 1 else values for name, values in arrays.items()}
            some = out[: span.stop - first]
            for shape, positions, leaves in tables:
                some[:, positions] = _evaluate(shape, iter(leaves), now)
            yield span, some


def _evaluate(shape: Shape, leaves: Any, arrays: Mapping[str, Floats]) -> Floats:
    """Value of a shape at all its leaves, (slices or 1, formulas of this shape)."""
    kind = shape[0]
    if kind == "const":
        return np.asarray(next(leaves))[None, :]
    if kind == "param":
        return arrays[shape[1]][:, next(leaves).astype(np.int64)]
    values = [_evaluate(part, leaves, arrays) for part in shape[1:]]
    if kind == "neg":
        return -values[0]
    result = values[0]
    for value in values[1:]:
        result = result * value if kind == "*" else result / value if kind == "/" else result + value
    return result


@dataclass(frozen=True, slots=True)
class Group:
    """A run of columns or rows that belong to one Pyomo component: its name, where it starts, and the indices in order."""

    name: str
    start: int
    keys: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Extent:
    """The columns and rows of one model by name: what is needed to read a solution."""

    columns: tuple[Group, ...]
    rows: tuple[Group, ...]
    n_columns: int
    n_rows: int


@dataclass(frozen=True, slots=True)
class Template:
    """The pattern of one model. Entries of a row stand together; a column < 0 is the link −1−column to the other scope."""

    columns: tuple[Group, ...]
    rows: tuple[Group, ...]
    links: tuple[Group, ...]  # ports or exports, numbered like columns
    start: Ints  # (rows + 1,) of entries
    column: Ints  # (entries,)
    entry: Ints  # (entries,) positions in `coefficients`
    integer: Bools  # (columns,)
    coefficients: Coefficients
    lower: Ints  # (rows,) positions in `coefficients`, -1 for none
    upper: Ints
    shift: Ints  # (rows,) constant of the body, -1 for none
    column_lower: Floats  # (columns,)
    column_upper: Ints  # (columns,) positions, -1 for none
    cost: tuple[Ints, Ints, int]  # columns, positions, position of the constant (-1 for none)
    lost: tuple[Ints, Ints, int]

    @property
    def n_columns(self) -> int:
        return len(self.integer)

    @property
    def n_rows(self) -> int:
        return len(self.lower)

    @property
    def extent(self) -> Extent:
        return Extent(self.columns, self.rows, self.n_columns, self.n_rows)


class _Reader:
    def __init__(self, model: Any, links: tuple[str, ...]) -> None:
        params: dict[int, tuple[Shape, int]] = {}
        for param in model.component_objects(pyo.Param, descend_into=False):
            shape = ("param", param.local_name)
            params.update((id(data), (shape, position)) for position, data in param.items())
        self.coefficients = Coefficients(params)
        self.number: dict[int, int] = {}
        columns: list[Group] = []
        self.linked: list[Group] = []
        self.variables: list[Any] = []
        n_links = 0
        for var in model.component_objects(pyo.Var, descend_into=False):
            data = tuple(var.values())
            if var.local_name in links:
                self.linked.append(Group(var.local_name, n_links, tuple(var.keys())))
                self.number.update((id(v), -1 - n_links - i) for i, v in enumerate(data))
                n_links += len(data)
            else:
                columns.append(Group(var.local_name, len(self.variables), tuple(var.keys())))
                self.number.update((id(v), len(self.variables) + i) for i, v in enumerate(data))
                self.variables += data
        self.columns = tuple(columns)

    def linear(self, expr: Any) -> tuple[list[int], list[int], int]:
        """(columns, positions, position of the constant or -1) of a linear expression; a variable that occurs twice gets one entry."""
        terms: dict[int, Any] = {}  # column -> number, or list of products
        constants: list[tuple[Any, ...]] = []
        self._collect((expr,), 1.0, (), terms, constants)
        add, numbers = self.coefficients.add, self.coefficients.numbers
        positions = [numbers[term] if term.__class__ is float else add(*term) for term in terms.values()]
        return list(terms), positions, add(*constants) if constants else -1

    def _collect(
        self, nodes: Iterable[Any], scale: float, factors: tuple[Any, ...], terms: dict[int, Any], constants: list[tuple[Any, ...]]
    ) -> None:
        """Add scale · Π factors · node of each node to `terms` and `constants`, from left to right."""
        number = self.number
        for node in nodes:
            kind = node.__class__
            if kind is ne.MonomialTermExpression:
                coefficient, var = node._args_
                column = number[id(var)]
                if coefficient.__class__ not in native_numeric_types:
                    _gather(terms, column, (*factors, scale, coefficient) if scale != 1.0 else (*factors, coefficient))
                elif factors or column in terms:
                    _gather(terms, column, (*factors, scale * coefficient))
                else:
                    terms[column] = float(scale * coefficient)
            elif id(node) in number:
                column = number[id(node)]
                if factors or column in terms:
                    _gather(terms, column, (*factors, scale))
                else:
                    terms[column] = float(scale)
            elif kind in native_numeric_types:
                if node != 0:
                    constants.append((*factors, scale * node))
            elif not node.is_potentially_variable():
                constants.append((*factors, scale, node))
            elif isinstance(node, (ne.SumExpression, ne.LinearExpression)):
                self._collect(node.args, scale, factors, terms, constants)
            elif isinstance(node, ne.NegationExpression):
                self._collect(node.args, -scale, factors, terms, constants)
            elif isinstance(node, ne.ProductExpression):
                fixed, free = sorted(node.args, key=_is_free)
                if fixed.__class__ in native_numeric_types:
                    self._collect((free,), scale * fixed, factors, terms, constants)
                else:
                    self._collect((free,), scale, (*factors, fixed), terms, constants)
            elif node.is_named_expression_type():
                self._collect((node.expr,), scale, factors, terms, constants)
            else:
                raise TypeError(f"not a linear expression of variables: {node}")

    def bound(self, expr: Any) -> int:
        """Position of a bound, -1 for none."""
        if expr is None:
            return -1
        return self.coefficients.numbers[float(expr)] if expr.__class__ in native_numeric_types else self.coefficients.add((expr,))


def _gather(terms: dict[int, Any], column: int, product: tuple[Any, ...]) -> None:
    """One more product for a column."""
    known = terms.get(column)
    if known is None:
        terms[column] = product[0] if len(product) == 1 and product[0].__class__ is float else [product]
    else:
        terms[column] = [(known,), product] if known.__class__ is float else [*known, product]


def _is_free(node: Any) -> bool:
    return node.__class__ not in native_numeric_types and bool(node.is_potentially_variable())


def read_template(model: Any, links: tuple[str, ...]) -> Template:
    """Read a Pyomo model once and take it apart: variables named in `links` are its links to the other scope."""
    reader = _Reader(model, links)
    start, column, entry, groups = [0], [], [], []
    lower: list[int] = []
    upper: list[int] = []
    shift: list[int] = []
    for block in model.component_objects(pyo.Block, descend_into=False):
        for constraint in block.component_objects(pyo.Constraint, descend_into=False):
            groups.append(Group(f"{block.local_name}.{constraint.local_name}", len(lower), tuple(constraint.keys())))
            for row in constraint.values():
                low, body, high = row.to_bounded_expression()
                columns, positions, constant = reader.linear(body)
                column += columns
                entry += positions
                start.append(len(column))
                lower.append(reader.bound(low))
                upper.append(reader.bound(high))
                shift.append(constant)
    variables = reader.variables
    cost, lost = (reader.linear(getattr(model, name).expr) for name in ("cost", "lost"))
    template = Template(
        columns=reader.columns,
        rows=tuple(groups),
        links=tuple(reader.linked),
        start=np.array(start),
        column=np.array(column, dtype=np.int64),
        entry=np.array(entry, dtype=np.int64),
        integer=np.array([v.is_integer() or v.is_binary() for v in variables], dtype=bool),
        coefficients=reader.coefficients,
        lower=np.array(lower, dtype=np.int64),
        upper=np.array(upper, dtype=np.int64),
        shift=np.array(shift, dtype=np.int64),
        column_lower=np.array([-np.inf if low is None else low for low in (v.lb for v in variables)]),
        column_upper=np.array([reader.bound(v.upper) for v in variables], dtype=np.int64),
        cost=(np.array(cost[0], dtype=np.int64), np.array(cost[1], dtype=np.int64), cost[2]),
        lost=(np.array(lost[0], dtype=np.int64), np.array(lost[1], dtype=np.int64), lost[2]),
    )
    _take_apart(model)
    return template


def _take_apart(model: Any) -> None:
    """Free what the model is made of at once: its blocks hold themselves, so the garbage collector would have to go through all of it."""
    for component in list(model.component_objects((pyo.Block, pyo.Expression), descend_into=False)):
        component.clear()
    model.clear()
