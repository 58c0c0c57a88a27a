"""Processes that train together, each started by hand, as torchrun would start them."""

import socket

from tests.forked import CATSCALE, Ended, start_program


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def run_ranks(*commands: list[object], code: str = CATSCALE, **variables: str) -> list[Ended]:
    """How programs that are to train together ended, by their ranks.

    Args:
        commands: The arguments of each.
        code: What each runs.
        variables: More of the environment.
    """
    size = str(len(commands))
    common = {"WORLD_SIZE": size, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), **variables}
    started = [
        start_program(code, *command, variables=common | {"RANK": str(rank), "LOCAL_RANK": str(rank)})
        for rank, command in enumerate(commands)
    ]
    return [program.finish() for program in started]
