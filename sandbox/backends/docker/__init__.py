"""The docker backend; this is its whole door."""

from sandbox.backends.docker.backend import DockerBackend
from sandbox.backends.docker.options import DockerOptions

__all__ = ["DockerBackend", "DockerOptions"]
