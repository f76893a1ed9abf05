"""One school, one seal and one bundle for all tests of a module: none of them changes any."""

from __future__ import annotations

import pytest

from commands.evidence import Bundle
from ledger.seal import Seal
from tests.evidence.bundles import made_of, sealed, told_school
from tests.support.schools import OpenedSchool


@pytest.fixture(scope="module")
def school() -> OpenedSchool:
    return told_school()


@pytest.fixture(scope="module")
def seal(school: OpenedSchool, tmp_path_factory: pytest.TempPathFactory) -> Seal:
    return sealed(school, tmp_path_factory.mktemp("seal") / "seal")


@pytest.fixture(scope="module")
def made(school: OpenedSchool, seal: Seal) -> Bundle:
    return made_of(school, seal, "PN-1")
