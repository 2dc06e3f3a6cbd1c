"""No parser may hang: each example has two seconds, which is a thousand times what it takes."""

from hypothesis import settings

settings.register_profile("here", deadline=2000)
settings.load_profile("here")
