"""Everything that is not an extension stands in setup.cfg."""

from setuptools import setup

setup()
