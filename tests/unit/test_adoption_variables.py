"""Their variables become words, and what may be secret stays where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.foreign import ENVIRONMENT, adopted, recipe


@pytest.mark.parametrize(
    ("url", "words", "value"),
    [
        ("redis://10.0.0.10:6380/0", ("maindb", "10.0.0.10", 6380), "redis://maindb:6380/0"),
        ("redis://localhost/0", ("maindb", "127.0.0.1", 6379), "redis://maindb:6379/0"),
        (
            "redis://host.containers.internal:6379/0",
            ("maindb", "host-gateway", 6379),
            "redis://maindb:6379/0",
        ),
        ("redis://MainDB/0", ("maindb", None, 6379), "redis://MainDB/0"),
    ],
)
def test_database_gets_a_name(tmp_path: Path, url: str, words: Any, value: str) -> None:
    environments = {"env-7043": f"REDIS_URL={url}\n"}
    found = adopted(recipe(tmp_path, environments=environments)).words
    assert (found["db_host"], found.get("db_address"), found["db_port"]) == words
    assert found["environment"]["REDIS_URL"] == value


def test_database_with_a_password_is_a_secret_that_names_it(tmp_path: Path) -> None:
    environments = {"env-7043": "VALKEY_URL=redis://:hunter2@10.0.0.10:6379/0\nREDIS_URL=x\n"}
    adoption = adopted(recipe(tmp_path, environments=environments))
    assert adoption.words["db_address"] == "10.0.0.10"
    assert adoption.words["secrets"] == {"VALKEY_URL": "env:ONETIME_VALKEY_URL"}
    assert "write maindb in place of 10.0.0.10" in str(adoption.notes["secrets"])


@pytest.mark.parametrize("url", ["redis://maindb:port/0", "redis:///0", "hunter2token=x", ""])
def test_database_that_cannot_be_told(tmp_path: Path, url: str) -> None:
    environments = {"env-7043": f"REDIS_URL={url}\n"}
    adoption = adopted(recipe(tmp_path, environments=environments))
    assert "db_host" not in adoption.words
    assert "REDIS_URL" in str(adoption.notes["db_host"])


def test_no_database_is_told(tmp_path: Path) -> None:
    adoption = adopted(recipe(tmp_path, environments={"env-7043": "HOST=a.example\n"}))
    assert "no address of it is told" in str(adoption.notes["db_host"])


@pytest.mark.parametrize("url", ["redis://224.0.0.1:6379/0", "redis://10.0.0.1000:6379/0"])
def test_database_at_no_address(tmp_path: Path, url: str) -> None:
    adoption = adopted(recipe(tmp_path, environments={"env-7043": f"REDIS_URL={url}\n"}))
    assert "db_address" not in adoption.words
    assert "cannot be used" in str(adoption.notes["db_address"])


def test_database_at_no_host_name(tmp_path: Path) -> None:
    environments = {"env-7043": "REDIS_URL=redis://main_db:6379/0\n"}
    adoption = adopted(recipe(tmp_path, environments=environments))
    assert "db_host" not in adoption.words
    assert "the host does not resolve main_db" in str(adoption.notes["db_address"])


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("AddHost=maindb:10.0.0.10", "10.0.0.10"),
        ("PodmanArgs=--add-host=maindb:10.0.0.10", "10.0.0.10"),
        ("AddHost=maindb:host-gateway", "host-gateway"),
        ("AddHost=maindb:fd00::1", None),
    ],
)
def test_database_has_the_address_of_the_containers_hosts_file(
    tmp_path: Path, text: str, address: str | None
) -> None:
    state = recipe(tmp_path, {"PublishPort": f"{text}\nPublishPort"}, resolved="")
    assert adopted(state).words.get("db_address") == address


def test_other_services_are_told(tmp_path: Path) -> None:
    text = (
        "AUTH_DATABASE_URL=postgresql://u:hunter2@authdb/onetime\n"
        "RABBITMQ_URL=amqps://u:hunter2@10.0.0.40\n"
    )
    state = recipe(
        tmp_path,
        environments={"env-7043": ENVIRONMENT + text},
        resolved="maindb 10.0.0.10\nauthdb 10.0.0.30",
    )
    found = adopted(state).words
    assert found["services"] == {
        "authdb": {"address": "10.0.0.30", "port": 5432, "protocol": "postgresql"},
        "rabbitmq": {"address": "10.0.0.40", "port": 5671, "protocol": "amqp", "tls": True},
    }
    assert found["secrets"].keys() == {"SECRET", "AUTH_DATABASE_URL", "RABBITMQ_URL"}


@pytest.mark.parametrize(
    ("url", "note"),
    [
        ("sqlite:///data/auth.db", None),
        ("mysql://a/b", None),
        ("postgres://maindb/a", None),
        ("postgres://elsewhere/a", "which the host does not resolve"),
        ("postgres://224.0.0.1/a", "cannot be used"),
    ],
)
def test_services_that_are_none(tmp_path: Path, url: str, note: str | None) -> None:
    state = recipe(tmp_path, environments={"env-7043": f"{ENVIRONMENT}AUTH_DATABASE_URL={url}\n"})
    adoption = adopted(state)
    assert "services" not in adoption.words
    assert note is None or note in str(adoption.notes["services"])


def test_quadlets_own_variable_wins_over_the_files(tmp_path: Path) -> None:
    altered = {"EnvironmentFile": "Environment=HOST=b.example 'NAME=100%%'\nEnvironmentFile"}
    environment = adopted(recipe(tmp_path, altered)).words["environment"]
    assert environment["HOST"] == "b.example"
    assert environment["NAME"] == "100%"


def test_missing_environment_file_is_told(tmp_path: Path) -> None:
    adoption = adopted(recipe(tmp_path, environments={}))
    assert f"{tmp_path}/env-7043 is not there, or holds no variable" in str(
        adoption.notes["environment"]
    )


def test_secret_in_the_unit_file_is_found_there(tmp_path: Path) -> None:
    altered = {"EnvironmentFile": "Environment=SECRET=hunter2\nEnvironmentFile"}
    adoption = adopted(recipe(tmp_path, altered, environments={"env-7043": "A=1\n"}))
    assert adoption.words["secrets"] == {"SECRET": "env:ONETIME_SECRET"}
    assert f"grep SECRET= {tmp_path}/onetime@.container" in str(adoption.notes["secrets"])


def test_secret_that_is_mounted_is_told(tmp_path: Path) -> None:
    secrets = "Secret=tls\nSecret=other,type=env"
    adoption = adopted(recipe(tmp_path, {"PublishPort": f"{secrets}\nPublishPort"}))
    assert "the secret tls is mounted as a file" in str(adoption.notes["secrets"])
    assert adoption.words["secrets"]["other"] == "env:ONETIME_other"


def test_variables_that_the_deploy_would_refuse_are_told(tmp_path: Path) -> None:
    long = "X" * 70_000
    environments = {"env-7043": f"{ENVIRONMENT}LONG={long}\nSPACED=a\u2028b\nA_SECRET=x\n"}
    secrets = "Secret=odd,type=env,target=NO-NAME"
    state = recipe(tmp_path, {"PublishPort": f"{secrets}\nPublishPort"}, environments=environments)
    adoption = adopted(state)
    assert adoption.words["environment"].keys() == {"REDIS_URL", "HOST"}
    assert adoption.words["secrets"].keys() == {"SECRET", "A_SECRET"}
