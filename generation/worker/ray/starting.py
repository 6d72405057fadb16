"""Starting a worker on a node, as the bot starts one on its own machine. Imports no Ray."""

from generation.catalog import Catalog
from generation.options import EngineOptions
from generation.worker.devices import ANY
from generation.worker.link import WorkerLink
from generation.worker.messages import ConfigureLogs
from generation.worker.process import WorkerProcess


def start_worker(
    catalog: Catalog, options: EngineOptions, configure_logs: ConfigureLogs
) -> WorkerLink:
    """Start a worker process on the device that Ray gave to this host."""
    return WorkerProcess(catalog, options, configure_logs, ANY)
