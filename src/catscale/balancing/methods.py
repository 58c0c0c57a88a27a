"""The table of balancing methods; a new method is added here and nowhere else."""

from typing import Annotated

from pydantic import Field

from catscale.balancing.cats import CATS
from catscale.balancing.fixed import Fixed

METHODS = {"fixed": Fixed, "cats": CATS}
BalancingConfig = Annotated[Fixed | CATS, Field(discriminator="method")]
