"""`POST /api/v1/runs`: takes in a run from elsewhere, under a token that is bound to its source."""

import io

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from infradb.errors import InfradbError
from infradb.interfaces.web.site import site_of
from infradb.interfaces.web.status import STATUS
from infradb.operations import ingesting, tokens

PATH = "/api/v1/runs"
LARGEST_RUN_BYTES = 256 * 2**20


async def take_in(request: Request) -> Response:
    """Take in the run in the body; 200 with what changed, or a problem document (RFC 9457)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    database = site_of(request).database
    source = await run_in_threadpool(tokens.source_of, database, token) if scheme.lower() == "bearer" else None
    if source is None:
        answer = problem(
            401, "unauthorized", "a token that brings runs is needed", "`infradb token add SOURCE` makes one"
        )
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    body = await _body(request)
    if body is None:
        return problem(413, "too-large", f"a run has at most {LARGEST_RUN_BYTES // 2**20} MiB", "send its scopes apart")
    try:
        done = await run_in_threadpool(ingesting.ingest, database, io.BytesIO(body), bound_to=source)
    except InfradbError as error:
        return problem(STATUS.get(error.code, 500), error.code, str(error), error.hint)
    said = {"run_id": done.run_id, "source": done.source, "taken_in_before": done.report is None}
    if done.report:
        said |= {"status": done.report.status, **done.report.counts, "errors": list(done.report.errors)}
    return JSONResponse(said)


def problem(status: int, code: str, title: str, hint: str) -> Response:
    """Return a problem document (RFC 9457)."""
    said = {"type": f"urn:infradb:{code}", "title": title, "status": status, "hint": hint}
    return Response(orjson.dumps(said), status, media_type="application/problem+json")


async def _body(request: Request) -> bytes | None:
    """Return the body, or None where it is too long or breaks off."""
    parts: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > LARGEST_RUN_BYTES:
                return None
            parts.append(chunk)
    except ClientDisconnect:
        return None
    return b"".join(parts)
