"""The table of balancing methods; a new method is added here and nowhere else."""

from typing import Annotated

from pydantic import Field

from catscale.balancing.aligned_mtl import AlignedMTL
from catscale.balancing.cagrad import CAGrad
from catscale.balancing.cats import CATS
from catscale.balancing.dro import DRO
from catscale.balancing.dwa import DWA
from catscale.balancing.famo import FAMO
from catscale.balancing.fixed import Fixed
from catscale.balancing.gradnorm import GradNorm
from catscale.balancing.gradvac import GradVac
from catscale.balancing.imtl_g import IMTLG
from catscale.balancing.mgda import MGDA
from catscale.balancing.nash_mtl import NashMTL
from catscale.balancing.pcgrad import PCGrad
from catscale.balancing.uncertainty import Uncertainty
from catscale.balancing.upgrad import UPGrad
from catscale.system.table import Table

METHODS = Table(
    "balancing method",
    {
        "fixed": Fixed,
        "cats": CATS,
        "gradnorm": GradNorm,
        "pcgrad": PCGrad,
        "gradvac": GradVac,
        "mgda": MGDA,
        "upgrad": UPGrad,
        "cagrad": CAGrad,
        "imtl_g": IMTLG,
        "nash_mtl": NashMTL,
        "aligned_mtl": AlignedMTL,
        "famo": FAMO,
        "uncertainty": Uncertainty,
        "dwa": DWA,
        "dro": DRO,
    },
)
BalancingConfig = Annotated[
    Fixed
    | CATS
    | GradNorm
    | PCGrad
    | GradVac
    | MGDA
    | UPGrad
    | CAGrad
    | IMTLG
    | NashMTL
    | AlignedMTL
    | FAMO
    | Uncertainty
    | DWA
    | DRO,
    Field(discriminator="method"),
]
