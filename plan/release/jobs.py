"""The files of the jobs, workers and scheduler: one template, and what each has of its own."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from names import JOB, SCHEDULER, SCHEDULER_STOP, WORKER_STOP
from plan.model import File, JobPlan, Link, ModePlan
from plan.release import render
from plan.release.address_drop_ins import address_drop_in
from plan.release.app_files import app_files, app_values
from plan.situation import Situation


@dataclass(frozen=True)
class Jobs:
    """The jobs of a host, and all that a release holds for them alone."""

    plans: tuple[JobPlan, ...]
    files: tuple[File, ...]
    links: tuple[Link, ...]


def plan_jobs(situation: Situation, mode: ModePlan, controllers: Container[str]) -> Jobs:
    """Return what the jobs are made from, each with the digest of all of it.

    + controllers: what the host's kernel can limit
    """
    settings = situation.settings
    if not settings.jobs:
        return Jobs((), (), ())
    template = render.render(
        f"{JOB}@.container.j2",
        sidecar=mode.job_sidecar,
        networks=mode.job_networks,
        **app_values(situation, mode, controllers),
    )
    shared = [template, *(file.content for file in app_files(situation))]
    files = [File(f"quadlet/{JOB}@.container", template)]
    links, plans = [], []
    for name in settings.jobs:
        is_scheduler = name == SCHEDULER
        words = settings.scheduler_command if is_scheduler else settings.worker_command
        text = render.render(
            "job.conf.j2",
            command=render.unit_words(words),
            stop=SCHEDULER_STOP if is_scheduler else WORKER_STOP,
            health_command=None
            if is_scheduler
            else render.unit_text(settings.worker_health_command or ""),
        )
        networks = mode.own_networks.get(name, ())
        config = render.digest([*shared, text, *networks])
        stamp = render.render("instance-config.conf.j2", config=config)
        directory = f"quadlet/{JOB}@{name}.container.d"
        files += [
            File(f"{directory}/config.conf", stamp),
            File(f"{directory}/job.conf", text),
            *([address_drop_in(JOB, name, networks)] if networks else []),
        ]
        links.append(Link(f"quadlet/{JOB}@{name}.container", f"{JOB}@.container"))
        plans.append(JobPlan(name, config, mode.addresses.get(name)))
    return Jobs(tuple(plans), tuple(files), tuple(links))
