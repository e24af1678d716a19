"""What is in the package, and what is public."""

import importlib.metadata
import importlib.resources
import pathlib

import pytest
import vector

import envelope_dynamo
from envelope_dynamo import errors, keys


@pytest.mark.parametrize("name", ["LICENSE-MIT", "LICENSE-APACHE"])
def test_the_installed_package_has_the_licences_of_the_repository(name):
    files = importlib.metadata.files("envelope-dynamo")
    (found,) = (file for file in files if file.name == name)
    assert found.locate().read_text() == (vector.VECTORS.parent / name).read_text()


def test_the_installed_package_is_typed_and_has_the_version_of_the_module():
    assert (importlib.resources.files(envelope_dynamo) / "py.typed").is_file()
    assert importlib.metadata.version("envelope-dynamo") == envelope_dynamo.__version__


@pytest.mark.parametrize("module", [envelope_dynamo, errors, keys])
def test_every_public_name_is_documented(module):
    assert module.__doc__ and sorted(module.__all__) == sorted(set(module.__all__))
    for name in module.__all__:
        assert getattr(module, name).__doc__, name


def test_boto3_is_not_needed_to_import_the_package():
    sources = (pathlib.Path(envelope_dynamo.__file__).parent).rglob("*.py")
    assert not [path for path in sources if "import boto" in path.read_text("utf-8")]
