"""The description of the API says what the server does: same operations, same shapes."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest

import neolink.web
from neolink.camera.status import CameraState
from neolink.health.values import HealthState
from neolink.hub.demand import DemandState
from neolink.media.tracks import AudioCodec, StreamKind, VideoCodec
from neolink.readings import BridgeReading, CameraReading, StreamReading, Transport
from neolink.web.routes import ROUTES
from support.readings import bridge_reading, camera_reading, player_reading, stream_reading
from support.web_bench import (
    BEARER,
    LOGIN,
    OPEN,
    OWN,
    FakeLine,
    FakeView,
    RunningServer,
    next_event,
    running_server,
)

FOLDER: Final = Path(neolink.web.__file__).parent
TEXT: Final = (FOLDER / "openapi.json").read_text()
DESCRIPTION: Final[dict[str, Any]] = json.loads(TEXT)
SCHEMAS: Final[dict[str, Any]] = DESCRIPTION["components"]["schemas"]

NO_CAMERA: Final = "/api/v1/cameras/no-such"


# ---------------------------------------------------------------- the file itself
def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DESCRIPTION["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_it_lists_the_operations_that_are_answered_and_no_others() -> None:
    answered = {(route.method, re.sub(r":[^}]+", "", route.path)) for route in ROUTES}
    assert {(method, path) for method, path, _ in operations()} == answered


def test_it_says_of_each_operation_whether_it_needs_a_login() -> None:
    is_open = {(route.method, re.sub(r":[^}]+", "", route.path)): route.is_open for route in ROUTES}
    for method, path, operation in operations():
        schemes = operation.get("security", DESCRIPTION["security"])
        assert (not schemes or {} in schemes) == is_open[method, path], path


def test_every_operation_has_words_an_id_and_its_parameters() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids))
    for _, path, operation in operations():
        assert operation["summary"]
        named = {
            parameter["name"]
            for parameter in map(resolved, operation.get("parameters", ()))
            if parameter["in"] == "path"
        }
        assert named == set(re.findall(r"{(\w+)}", path)), path


def test_every_reference_leads_somewhere() -> None:
    for reference in re.findall(r'"\$ref": "([^"]+)"', TEXT):
        assert resolved({"$ref": reference})


def test_every_example_has_the_shape_that_it_is_an_example_of() -> None:
    count = 0
    for _, path, operation in operations():
        bodies = [operation.get("requestBody", {}), *map(resolved, operation["responses"].values())]
        for content in (one for body in bodies for one in body.get("content", {}).values()):
            examples = [one["value"] for one in content.get("examples", {}).values()]
            for example in [*examples, *([content["example"]] if "example" in content else [])]:
                assert wrong(content["schema"], example) == [], path
                count += 1
    assert count > 30


def test_every_field_is_always_there() -> None:
    objects = list(_objects(DESCRIPTION))
    assert len(objects) > 20
    for schema in objects:
        assert set(schema["required"]) == set(schema["properties"])


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Find all schemas of objects with named fields."""
    if isinstance(value, dict):
        if value.get("type") == "object" and "properties" in value:
            yield value
        for one in value.values():
            yield from _objects(one)
    elif isinstance(value, list):
        for one in value:
            yield from _objects(one)


@pytest.mark.parametrize(
    ("place", "values"),
    [
        (("HealthState",), HealthState),
        (("StreamKind",), StreamKind),
        (("Stream", "state"), DemandState),
        (("Connection", "state"), CameraState),
        (("Player", "transport"), Transport),
        (("Video", "codec"), VideoCodec),
        (("Audio", "codec"), AudioCodec),
    ],
)
def test_words_with_a_closed_list_are_all_listed(
    place: tuple[str, ...], values: type[StrEnum]
) -> None:
    schema = SCHEMAS[place[0]]
    for name in place[1:]:
        schema = schema["properties"][name]
    assert set(schema["enum"]) == {str(value) for value in values}


def test_error_codes_are_all_listed() -> None:
    used = {"busy", "bad_request"}  # also sent without an ApiError: see door and frame
    for file in FOLDER.rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "ApiError":
                used |= _constants(call.args[1])
    frame = (FOLDER / "frame.py").read_text()
    used |= set(re.findall(r'HTTPStatus\.\w+: \("(\w+)"', frame))
    assert used == set(SCHEMAS["Error"]["properties"]["error"]["properties"]["code"]["enum"])


def _constants(expression: ast.expr) -> set[str]:
    found = (one.value for one in ast.walk(expression) if isinstance(one, ast.Constant))
    return {value for value in found if isinstance(value, str)}


# ---------------------------------------------------------------- what is answered
def bare() -> BridgeReading:
    """Make a bridge of which nothing is known yet, with one camera without streams."""
    stream = _emptied(stream_reading(players=(_emptied(player_reading()),)))
    camera = replace(_emptied(camera_reading("porch")), streams=(stream,), model="", firmware="")
    return replace(bridge_reading(0, 0), cameras=(camera, camera_reading("new", streams=())))


def _emptied(value: Any) -> Any:
    """Return a value of which everything that may be None is, and every mapping is empty."""
    assert is_dataclass(value)
    changes: dict[str, Any] = {}
    for field in fields(value):
        if "None" in str(field.type):
            changes[field.name] = None
        elif "Mapping" in str(field.type):
            changes[field.name] = {}
    return replace(value, **changes)  # type: ignore[type-var]  # a dataclass: see above


def every_state() -> BridgeReading:
    """Make a bridge with a camera in each state, and a stream in each."""
    cameras: list[CameraReading] = []
    for camera_state in CameraState:
        streams = tuple(_in_state(camera_state, state) for state in DemandState)
        cameras.append(camera_reading(camera_state, state=camera_state, streams=streams[:3]))
        cameras.append(camera_reading(f"{camera_state}2", is_enabled=False, streams=streams[3:]))
    infinite = stream_reading(fps=float("nan"), bitrate_bps=float("inf"), gop_s=float("-inf"))
    cameras.append(camera_reading("odd", streams=(replace(infinite, fps=0.0, bitrate_bps=0.0),)))
    return replace(bridge_reading(0, 0), cameras=tuple(cameras))


def _in_state(camera: str, state: DemandState) -> StreamReading:
    return stream_reading(
        camera, state=state, players=(player_reading(hash(state) % 99 + 1, camera),)
    )


@pytest.fixture(params=["usual", "bare", "every state"])
def view(request: pytest.FixtureRequest) -> FakeView:
    readings = {"usual": bridge_reading(3, 9), "bare": bare(), "every state": every_state()}
    view = FakeView(readings[request.param], jpeg=b"\xff\xd8\xff\xd9")
    camera = view.reading.cameras[0].name
    view.log = {
        camera: [
            FakeLine(1.7e9, "known", stream="mainStream", client="192.0.2.9:1", phase="login"),
            FakeLine(1.7e9 + 1, "unknown", level="WARNING", phase=None),
        ]
    }
    return view


async def test_every_answer_has_the_shape_that_is_described(view: FakeView) -> None:
    name = view.reading.cameras[0].name
    async with running_server(view, OPEN) as bridge:
        for method, path, operation in operations():
            if "/live" in path or "/hls/" in path or path == "/api/v1/events":
                continue  # they have tests of their own
            asked = path.format(name=name, kind="main", number=999, file="icon.svg")
            body = {"token": "x"} if method == "POST" else None
            await check(bridge, method, asked, operation, body)


REFUSED: Final = [
    ("GET", "/health", {}, None, 401),
    ("GET", "/metrics", {}, None, 401),
    ("GET", "/api/v1/cameras", {"Authorization": "Bearer wrong"}, None, 401),
    ("GET", "/api/v1/cameras", {"Host": "a b"}, None, 400),
    ("GET", NO_CAMERA, BEARER, None, 404),
    ("GET", f"{NO_CAMERA}/log", BEARER, None, 404),
    ("GET", "/api/v1/cameras/cam1/log?limit=0", BEARER, None, 400),
    ("GET", f"{NO_CAMERA}/snapshot.jpg", BEARER, None, 404),
    ("GET", "/api/v1/cameras/cam1/snapshot.jpg", BEARER, None, 503),
    ("GET", "/api/v1/cameras/cam1/snapshot.jpg?width=1", BEARER, None, 400),
    ("GET", "/api/v1/cameras/cam1/streams/main/live?audio=2", BEARER, None, 503),
    ("GET", "/api/v1/cameras/cam1/streams/extern/live", BEARER, None, 404),
    ("GET", "/api/v1/cameras/cam1/streams/main/hls/index.m3u8", BEARER, None, 503),
    ("GET", "/api/v1/cameras/cam1/streams/main/hls/x/stream.m3u8", BEARER, None, 404),
    ("GET", "/static/no-such", {}, None, 404),
    ("DELETE", "/api/v1/players/999", BEARER, None, 404),
    ("DELETE", "/api/v1/players/1", {**BEARER, "Origin": "http://evil"}, None, 403),
    ("DELETE", "/api/v1/session", {"Origin": "http://evil"}, None, 403),
    ("POST", "/api/v1/session", {}, {"token": "wrong"}, 401),
    ("POST", "/api/v1/session", {}, {"token": 1}, 400),
    ("POST", "/api/v1/session", {}, {"token": "x" * 20_000}, 413),
    ("POST", "/api/v1/session", {"Content-Type": "text/plain"}, {"token": "x"}, 415),
]


@pytest.mark.parametrize(("method", "path", "headers", "body", "status"), REFUSED)
async def test_every_refusal_is_described(
    method: str, path: str, headers: dict[str, str], body: object, status: int
) -> None:
    async with running_server(settings=LOGIN) as bridge:
        operation = next(one for one in operations() if _is_of(one, method, path))[2]
        assert await check(bridge, method, path, operation, body, headers) == status


async def test_news_have_the_shapes_that_are_told_in_words(quick: None) -> None:
    async with (
        running_server(settings=OPEN) as bridge,
        bridge.client.get("/api/v1/events") as stream,
    ):
        _, news = await next_event(stream, "cameras")
        described = DESCRIPTION["paths"]["/api/v1/cameras"]["get"]["responses"]["200"]
        schema = described["content"]["application/json"]["schema"]
        assert wrong(schema, news) == []
        bridge.view.log["cam1"] = [FakeLine(1.7e9, "news")]
        _, news = await next_event(stream, "log")
        assert news["camera"] == "cam1"
        assert wrong({"$ref": "#/components/schemas/LogLine"}, news["line"]) == []


async def test_a_session_has_its_shape_with_and_without_a_login() -> None:
    async with running_server(settings=LOGIN) as bridge:
        operation = DESCRIPTION["paths"]["/api/v1/session"]["get"]
        await check(bridge, "GET", "/api/v1/session", operation)
        await bridge.log_in()
        await check(bridge, "GET", "/api/v1/session", operation)
        await check(bridge, "GET", "/api/v1/session", operation, headers=BEARER)


async def check(
    bridge: RunningServer,
    method: str,
    path: str,
    operation: dict[str, Any],
    body: object = None,
    headers: dict[str, str] | None = None,
) -> int:
    """Ask for something; fail unless status, headers, type and shape are those described."""
    data = None if body is None else json.dumps(body)
    sent = {"Content-Type": "application/json", **OWN, **(headers or {})}
    async with bridge.client.request(method, path, data=data, headers=sent) as answer:
        described = resolved(operation["responses"][str(answer.status)])
        for name, header in described.get("headers", {}).items():
            is_there = name in answer.headers
            assert is_there or not header.get("required"), f"{path}: {answer.status}: {name}"
        contents = described.get("content")
        if contents is None:
            assert await answer.read() == b""
        elif "application/json" in contents:
            assert answer.content_type == "application/json"
            found = wrong(contents["application/json"]["schema"], await answer.json())
            assert found == [], f"{method} {path}: {answer.status}"
        else:
            assert answer.content_type in contents or "*/*" in contents
        return answer.status


def _is_of(operation: tuple[str, str, object], method: str, path: str) -> bool:
    pattern = re.sub(r"{\w+}", "[^/]+", operation[1])
    return operation[0] == method and bool(re.fullmatch(pattern, path.partition("?")[0]))


# ---------------------------------------------------------------- schemas
def resolved(value: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference, if it is one."""
    if "$ref" not in value:
        return value
    found: Any = DESCRIPTION
    for step in value["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    assert isinstance(found, dict)
    return found


def strict(schema: Any) -> Any:
    """Return a schema that allows nothing beyond what it describes."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if "properties" in made and made.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return made


def wrong(schema: dict[str, Any], value: object) -> list[str]:
    """Return what a value has that its schema does not allow, or lacks."""
    whole = {**strict(schema), "components": {"schemas": strict(SCHEMAS)}}
    validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]
