import pytest
import torch.distributed as dist

from catscale.distributed.processes import Processes, lost_processes
from catscale.errors import CatscaleError

GLOO = "[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:1"


@pytest.mark.parametrize("error", [RuntimeError(GLOO), dist.DistBackendError("NCCL error"), dist.DistNetworkError("x")])
def test_a_broken_connection_is_one_message(error):
    message = r"process 1 of 2 lost the connection to another one, which has ended \(.*goes on from the last checkpoint"
    with pytest.raises(CatscaleError, match=message), lost_processes(Processes(1, 2)):
        raise error


@pytest.mark.parametrize(
    ("error", "size"), [(RuntimeError("a defect"), 2), (RuntimeError(GLOO), 1), (ValueError("x"), 2)]
)
def test_other_errors_stay_what_they_are(error, size):
    with pytest.raises(type(error)) as caught, lost_processes(Processes(0, size)):
        raise error
    assert caught.value is error
