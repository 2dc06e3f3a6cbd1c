"""Read by pyinfra before the inventory: what every run from this checkout has in common."""

import click
from pyinfra.context import ctx_state

from rollout.invocation import guard

guard(ctx_state.get(), click.get_current_context())
