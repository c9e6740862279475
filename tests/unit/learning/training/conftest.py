from __future__ import annotations

import pytest

from protodune.learning.patches import PatchSettings, write_patches


@pytest.fixture(scope="module")
def patches(store_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("patches")
    write_patches(store_file, "collection", PatchSettings("crop", 32, 64, 24, 0.7), folder / "train.h5")
    write_patches(store_file, "collection", PatchSettings("tile", 32, 64, 6), folder / "val.h5")
    return folder


@pytest.fixture(scope="module")
def region_patches(store_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("regions")
    settings = {"task": "regions"}
    write_patches(store_file, "collection", PatchSettings("crop", 32, 64, 24, 0.7, **settings), folder / "train.h5")
    write_patches(store_file, "collection", PatchSettings("tile", 32, 64, 6, **settings), folder / "val.h5")
    return folder
