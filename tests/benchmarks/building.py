"""Template to solver: processor seconds from prepared arrays to a model inside HiGHS, ours, linopy's and Pyomo's.

    python -m tests.benchmarks.building SIDE WARM FOLDER     prints one JSON line

Every run has a process of its own. It first builds the small instance WARM, so that imports and first calls are not counted.
All sides run on one thread; processor time says the same as the clock, and neighbours on the machine disturb it less.
"""

from __future__ import annotations

import gc
import json
import sys
import time
import warnings
from typing import Any

from ailis_models.arrays import Data

SIDES = ("ours", "linopy sparse", "linopy", "pyomo")


def ours(d: Data) -> Any:
    """Templates, stamp, check and scale, hand over."""
    from ailis_opt.engine.compile import compile_program, templates
    from ailis_opt.engine.highs import Solver

    return Solver(compile_program(d, *templates(d)))._highs


def linopy_dense(d: Data) -> Any:
    """linopy as it comes."""
    return _linopy(d, sparse=False)


def linopy_sparse(d: Data) -> Any:
    """linopy in its fastest mode."""
    return _linopy(d, sparse=True)


def _linopy(d: Data, sparse: bool) -> Any:
    import linopy

    from tests.benchmarks.linopy_model import Writer

    linopy.options["semantics"] = "v1"
    return Writer(d, sparse).build().to_highspy(set_names=False)


def pyomo(d: Data) -> Any:
    """The whole model in Pyomo, then Pyomo's own HiGHS interface."""
    from pyomo.contrib.appsi.solvers import Highs

    from ailis_models.formulation import whole_model

    solver = Highs()
    solver.set_instance(whole_model(d))
    return solver._solver_model


BUILDERS = dict(zip(SIDES, (ours, linopy_sparse, linopy_dense, pyomo), strict=True))


def main(side: str, warm: str, folder: str) -> None:
    """Build both instances, time the second; `size` is [rows, columns, nonzeros] as HiGHS has them."""
    from ailis_opt.io import read
    from ailis_opt.prepare import prepare

    warnings.simplefilter("ignore")
    BUILDERS[side](prepare(read(warm)).data)
    data = prepare(read(folder)).data
    gc.collect()
    begun = time.process_time()
    highs = BUILDERS[side](data)
    seconds = time.process_time() - begun
    size = [highs.getNumRow(), highs.getNumCol(), highs.getNumNz()]
    print(json.dumps({"seconds": seconds, "size": size}))


if __name__ == "__main__":
    main(*sys.argv[1:])
