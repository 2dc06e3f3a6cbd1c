"""How a run ends that is refused."""

from pyinfra.api.exceptions import DeployError


class RefusalError(DeployError):
    """Ends a run with the operator's words alone: pyinfra adds the line of code that raised it."""

    # Of a property, since context managers on the way up set it.
    __traceback__ = property(lambda _: None, lambda *_: None)
