"""The table of balancing methods; a new method is added here and nowhere else."""

from typing import TYPE_CHECKING, Any

from catscale.balancing.contract import Method, MethodSettings
from catscale.balancing.methods.aligned_mtl import AlignedMTL
from catscale.balancing.methods.cagrad import CAGrad
from catscale.balancing.methods.cats import CATS
from catscale.balancing.methods.config import ConFIG
from catscale.balancing.methods.db_mtl import DBMTL
from catscale.balancing.methods.dro import DRO
from catscale.balancing.methods.dwa import DWA
from catscale.balancing.methods.excess_mtl import ExcessMTL
from catscale.balancing.methods.fairgrad import FairGrad
from catscale.balancing.methods.famo import FAMO
from catscale.balancing.methods.fixed import Fixed
from catscale.balancing.methods.gradnorm import GradNorm
from catscale.balancing.methods.gradvac import GradVac
from catscale.balancing.methods.imtl_g import IMTLG
from catscale.balancing.methods.imtl_l import IMTLL
from catscale.balancing.methods.lra import LRA
from catscale.balancing.methods.mgda import MGDA
from catscale.balancing.methods.modo import MoDo
from catscale.balancing.methods.nash_mtl import NashMTL
from catscale.balancing.methods.pcd import PCD
from catscale.balancing.methods.pcgrad import PCGrad
from catscale.balancing.methods.relobralo import ReLoBRaLo
from catscale.balancing.methods.sdmgrad import SDMGrad
from catscale.balancing.methods.soft_adapt import SoftAdapt
from catscale.balancing.methods.stch import STCH
from catscale.balancing.methods.uncertainty import Uncertainty
from catscale.balancing.methods.upgrad import UPGrad
from catscale.settings.choice import choice_of
from catscale.system.named import NamedTable

METHODS: NamedTable[type[Any]] = NamedTable(
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
        "imtl_l": IMTLL,
        "stch": STCH,
        "soft_adapt": SoftAdapt,
        "relobralo": ReLoBRaLo,
        "config": ConFIG,
        "fairgrad": FairGrad,
        "pcd": PCD,
        "modo": MoDo,
        "sdmgrad": SDMGrad,
        "db_mtl": DBMTL,
        "excess_mtl": ExcessMTL,
        "lra": LRA,
    },
)
if TYPE_CHECKING:
    BalancingConfig = Method[Any]
else:
    BalancingConfig = choice_of(METHODS, "method", own=MethodSettings)
"""The section `balancing` of a configuration."""
