"""The lab's app: a small real web service, as archives that `podman load` takes."""
