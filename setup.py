"""Lets setuptools build in a temporary folder, so that installing leaves nothing in the checkout.

What is built stands in pyproject.toml.
"""

import os
import tempfile

from setuptools import setup

with tempfile.TemporaryDirectory(prefix="casecnn-build-") as folder:
    setup(options={"build": {"build_base": os.path.join(folder, "build")}, "egg_info": {"egg_base": folder}})
