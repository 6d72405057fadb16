"""The process that is Ray's driver: finds the nodes and their lanes, and speaks with their hosts.

A process of its own, because Ray ends its driver's process a minute after the cluster's head has
died, and because nothing that it does can then hold up the bot.
"""

import asyncio
import logging
import os
import signal
import sys
from multiprocessing.connection import Connection

from generation.worker.ray.connecting import Refused, connect, prepare_process
from generation.worker.ray.pipes import Pipes
from generation.worker.ray.wire import Setup, Trouble

log = logging.getLogger(__name__)


def main(commands: Connection, messages: Connection, setup: Setup) -> None:
    """Serve until ``commands`` closes, or Ray gives up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the bot decides what Ctrl-C means
    os.umask(0o077)
    prepare_process()
    setup.configure_logs()
    try:
        asyncio.run(_serve(commands, messages, setup))
    finally:
        sys.stderr.flush()
        os._exit(0)  # Ray's own farewell may take long


async def _serve(commands: Connection, messages: Connection, setup: Setup) -> None:
    pipes = Pipes(messages, commands)
    try:
        connect(setup.address, setup.namespace)  # nothing else is to be done before
        from generation.worker.ray.cluster import Cluster  # it imports Ray

        cluster = Cluster(setup, pipes)
        watch = asyncio.create_task(cluster.watch())
        obey = asyncio.create_task(cluster.obey())
        done, _ = await asyncio.wait((watch, obey), return_when=asyncio.FIRST_COMPLETED)
        watch.cancel()
        await cluster.leave()
        for task in done:
            task.result()
    except Refused as error:
        pipes.send(Trouble(str(error)))
    except Exception:
        log.exception("the process for Ray ends")
    pipes.close()
    await asyncio.to_thread(pipes.flush)
