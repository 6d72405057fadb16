"""What is looked up when somebody asks: the queue, the shards, the lanes, memory."""

import math
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from bot.db.records import Status
from generation.worker.link import LaneState, LaneStatus
from generation.worker.messages import STEP_S

if TYPE_CHECKING:
    from bot.app import App

LANE = ["lane"]


class Moment(Collector):
    """Collects the figures of a bot as it is now; none while there is no bot."""

    def __init__(self) -> None:
        self.app: App | None = None

    def collect(self) -> Iterable[Metric]:
        """Yield the figures, grouped by their names."""
        if self.app is None:
            return
        yield from _queue(self.app)
        yield from _shards(self.app)
        lanes = self.app.executor.lanes()
        yield from _lanes(lanes)
        yield from _forwards(lanes)
        yield from _memory(self.app, lanes)


def _queue(app: "App") -> Iterator[Metric]:
    jobs = GaugeMetricFamily("darkroom_jobs_open", "Jobs that have not ended", labels=["state"])
    queued, running = app.jobs.queue.counts
    _, altogether = app.job_store.waiting_counts(0)
    jobs.add_metric([Status.QUEUED], queued)
    jobs.add_metric([Status.RUNNING], running)
    jobs.add_metric([Status.RECORDED], max(0, altogether - queued - running))
    yield jobs
    yield GaugeMetricFamily(
        "darkroom_jobs_open_most", "As many jobs may wait altogether", app.limits.waiting
    )


def _shards(app: "App") -> Iterator[Metric]:
    client = app.client
    connected = GaugeMetricFamily(
        "darkroom_shard_connected", "Whether a shard hears of events", labels=["shard"]
    )
    latency = GaugeMetricFamily(
        "darkroom_shard_latency_seconds",
        "From a shard's latest heartbeat to its acknowledgement",
        labels=["shard"],
    )
    servers = GaugeMetricFamily(
        "darkroom_shard_servers", "Servers that a shard hears of", labels=["shard"]
    )
    counts = dict.fromkeys(range(client.shard_count or 1), 0)
    for guild in client.guilds:
        counts[guild.shard_id] += 1
    deaf = client.deaf_shards
    for shard, count in counts.items():
        connected.add_metric([str(shard)], shard not in deaf)
        servers.add_metric([str(shard)], count)
    for shard, seconds in client.latencies:
        if math.isfinite(seconds):  # before the first heartbeat it is infinite
            latency.add_metric([str(shard)], seconds)
    yield from (connected, servers, latency)


def _lanes(lanes: Iterable[LaneState]) -> Iterator[Metric]:
    status = GaugeMetricFamily(
        "darkroom_lane_status", "What a lane is doing: 1 for that", labels=["lane", "status"]
    )
    rows = GaugeMetricFamily(
        "darkroom_lane_rows", "Rows of a forward pass that a lane holds", labels=LANE
    )
    aboard = GaugeMetricFamily(
        "darkroom_lane_rows_aboard", "Rows that its requests take", labels=LANE
    )
    requests = GaugeMetricFamily("darkroom_lane_requests", "Requests aboard", labels=LANE)
    restarts = CounterMetricFamily(
        "darkroom_lane_restarts", "How often a lane was launched again", labels=LANE
    )
    for lane in lanes:
        for one in LaneStatus:
            status.add_metric([lane.name, one], lane.status is one)
        rows.add_metric([lane.name], lane.rows)
        aboard.add_metric([lane.name], lane.rows_aboard)
        requests.add_metric([lane.name], lane.requests_aboard)
        restarts.add_metric([lane.name], lane.restarts)
    yield from (status, rows, aboard, requests, restarts)


def _forwards(lanes: Iterable[LaneState]) -> Iterator[Metric]:
    """What the workers counted since they started; Prometheus knows that counters begin anew."""
    seconds = HistogramMetricFamily(
        "darkroom_forward_seconds", "Forward passes of the denoiser: steps of a batch", labels=LANE
    )
    rows = CounterMetricFamily(
        "darkroom_forward_rows", "Rows of all forward passes together", labels=LANE
    )
    paying = CounterMetricFamily(
        "darkroom_forward_paying_rows",
        "Rows that those forward passes could have had before more hardly pay (the knee)",
        labels=LANE,
    )
    for lane in lanes:
        if (figures := lane.figures) is None:
            continue
        sums, total = [], 0
        for bound, count in zip((*STEP_S, math.inf), figures.by_seconds, strict=True):
            total += count
            sums.append(("+Inf" if math.isinf(bound) else f"{bound:g}", total))
        seconds.add_metric([lane.name], sums, figures.seconds)
        rows.add_metric([lane.name], figures.rows)
        paying.add_metric([lane.name], figures.paying_rows)
    yield from (seconds, rows, paying)


def _memory(app: "App", lanes: Iterable[LaneState]) -> Iterator[Metric]:
    resident = GaugeMetricFamily(
        "darkroom_process_memory_bytes", "Memory of our processes here", labels=["process"]
    )
    device = GaugeMetricFamily(
        "darkroom_device_memory_bytes", "Memory of a lane's device", labels=["lane", "kind"]
    )
    resident.add_metric(["bot"], psutil.Process().memory_info().rss)
    for lane in lanes:
        if lane.pid is not None:
            with suppress(psutil.Error):  # it may have ended just now
                resident.add_metric([lane.name], psutil.Process(lane.pid).memory_info().rss)
        if lane.figures is not None:
            device.add_metric([lane.name, "used"], lane.figures.memory_used)
            device.add_metric([lane.name, "total"], lane.figures.memory_total)
    yield from (resident, device)
    try:
        free = shutil.disk_usage(app.folder).free
    except OSError:
        return
    yield GaugeMetricFamily("darkroom_disk_free_bytes", "Free on the data folder's disk", free)
