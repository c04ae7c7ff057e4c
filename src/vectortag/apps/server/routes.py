"""The routes: tags, heat maps, models, and added tags."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query, Request, Response
from msgspec import Struct

from vectortag.apps.server import parameters, responses
from vectortag.apps.server.model_worker import ModelWorker, Taggers
from vectortag.apps.server.problems import Problem, declared
from vectortag.apps.server.request_body import FORM, PHOTO_TYPES, PHOTOS, read_uploads
from vectortag.apps.server.responses import answer, declared_answer
from vectortag.apps.server.service import Service
from vectortag.core.errors import LanguageError, NewTagError, PhotoError, UnknownTagError
from vectortag.core.text import normalise
from vectortag.core.types import Tagging
from vectortag.model.language import Language, choose, codes
from vectortag.personal.added_tags import LONGEST_NAME
from vectortag.personal.few_shot import MIN_EXAMPLES

router = APIRouter(prefix="/v1")

Content = TypeVar("Content", bound=Struct)

ALWAYS = (400, 401, 421, 500)
"""Of every route: broken request, no API key, wrong host, unexpected error."""

WITH_PHOTOS = (*ALWAYS, 403, 404, 408, 413, 415, 422, 503)
COUNTEREXAMPLES = "not"
"""The form field with counterexamples: photos that look like the new tag and do not show it."""


def service_of(request: Request) -> Service:
    """The service of the application."""
    service: Service = request.app.state.service
    return service


def language_of(request: Request, wanted: str | None) -> Language:
    """The language that a request asks for by its parameter, else by its header Accept-Language."""
    if wanted is None:
        return _loaded(choose(request.headers.get("accept-language")))
    if not re.fullmatch(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*", wanted):  # a file of the user's own has a path
        raise Problem(422, "wrong-parameter", f"query: language: there are: {', '.join(codes())}")
    try:
        return _loaded(wanted)
    except LanguageError as error:
        raise Problem(422, "wrong-parameter", f"query: language: there are: {', '.join(codes())}") from error


@functools.lru_cache(maxsize=64)
def _loaded(code: str) -> Language:
    return Language.load(code)


def _form(fields: Mapping[str, str], *, least: int = 1) -> dict[str, Any]:
    """The schema of a form with lists of files; `least` is the minimum number of photos."""
    file = {"type": "string", "format": "binary"}
    lists: dict[str, dict[str, Any]] = {
        name: {"type": "array", "items": file, "description": description} for name, description in fields.items()
    }
    lists[PHOTOS]["minItems"] = least
    return {"schema": {"type": "object", "properties": lists, "required": [PHOTOS], "additionalProperties": False}}


def _photo_bodies() -> dict[str, Any]:
    photo = {"schema": {"type": "string", "format": "binary", "minLength": 1}}
    return dict.fromkeys(PHOTO_TYPES, photo)


@router.post(
    "/tag",
    summary="Tag photos",
    description="One photo as the body, or several as a form. A photo that cannot be read has an error in its entry; "
    "if none can be read, the answer is 422.",
    responses={**declared_answer(responses.Taggings), **declared(*WITH_PHOTOS)},
    openapi_extra={
        "requestBody": {"required": True, "content": {**_photo_bodies(), FORM: _form({PHOTOS: "The photos."})}}
    },
)
async def tag(request: Request, options: Annotated[parameters.TagOptions, Query()]) -> Response:
    service, language = service_of(request), language_of(request, options.language)
    model = service.model(options.model)
    with service.admission.ticket() as ticket:
        uploads = await read_uploads(request, service.limits, ticket)
        begun = time.perf_counter()
        async with service.in_time(request):
            results = await model.tag([upload.content for upload in uploads], options.profile)
        service.metrics.tagged(results, time.perf_counter() - begun)
    _refuse_if_all_failed(results)
    return answer(responses.taggings(zip((upload.name for upload in uploads), results, strict=True), options, language))


def _refuse_if_all_failed(results: Sequence[Tagging | PhotoError]) -> None:
    if all(isinstance(result, PhotoError) for result in results):
        raise _unreadable(results[0])


def _unreadable(error: object) -> Problem:
    return Problem(422, "unreadable-photo", str(error))


@contextmanager
def _library_errors_as_problems() -> Iterator[None]:
    """Turn errors of the library into problems."""
    try:
        yield
    except PhotoError as error:
        raise _unreadable(error) from error
    except UnknownTagError as error:
        raise Problem(422, "unknown-tag", str(error)) from error
    except NewTagError as error:
        if isinstance(error.__cause__, OSError):
            raise Problem(507, "cannot-save", "The service cannot write to its data folder") from error
        raise Problem(422, "not-a-tag", str(error)) from error


@router.post(
    "/explain",
    summary="Heat maps: where in a photo the model sees a tag",
    response_class=Response,
    responses={
        200: {
            "description": "With `form=overlay` a PNG of the heat map over the photo, at most 2048 pixels a side; "
            "with `form=array` the heat maps as numbers.",
            "content": {
                **declared_answer(responses.Heatmaps)[200]["content"],
                "image/png": {"schema": {"type": "string", "format": "binary"}},
            },
        },
        **declared(*WITH_PHOTOS),
    },
    openapi_extra={
        "requestBody": {"required": True, "content": {**_photo_bodies(), FORM: _form({PHOTOS: "One photo."})}}
    },
)
async def explain(request: Request, options: Annotated[parameters.ExplainOptions, Query()]) -> Response:
    service, language = service_of(request), language_of(request, options.language)
    model, tags = service.model(options.model), [language.tag_of(tag) for tag in options.tag]
    if options.form == "overlay" and len(options.tag) != 1:
        raise Problem(422, "wrong-parameter", "query: tag: an overlay shows one tag. Name one, or use form=array")
    with service.admission.ticket() as ticket, _library_errors_as_problems():
        uploads = await read_uploads(request, service.limits, ticket)
        if len(uploads) > 1:
            raise Problem(400, "too-many-photos", f"Send one photo for heat maps, got {len(uploads)}")
        photo = uploads[0].content
        async with service.in_time(request):
            tagging, heatmaps = await model.explain(photo, tags, options.profile, fine=options.fine)
            if options.form == "array":
                return answer(responses.heatmaps(tagging, heatmaps, language))
            return Response(await model.draw(photo, heatmaps[0], options.opacity), media_type="image/png")


@router.get(
    "/models",
    summary="List the served models",
    responses={**declared_answer(responses.Models), **declared(*ALWAYS, 503)},
)
async def models(request: Request) -> Response:
    service = service_of(request)
    return answer(
        responses.Models([await _ask(request, model, responses.summary) for model in service.models.values()])
    )


@router.get(
    "/models/{name}",
    summary="One model: its card, figures and tags",
    responses={**declared_answer(responses.ModelDetails), **declared(*ALWAYS, 404, 422, 503)},
)
async def model_details(
    request: Request, name: str, options: Annotated[parameters.ModelDetailsOptions, Query()]
) -> Response:
    service, language = service_of(request), language_of(request, options.language)
    details = functools.partial(responses.details, language=language)
    return answer(await _ask(request, service.model(name), details))


async def _ask(request: Request, model: ModelWorker, query: Callable[..., Content]) -> Content:
    service = service_of(request)

    def ask(taggers: Taggers) -> Content:
        return query(model, taggers, default=model is service.default)

    async with service.in_time(request):
        return await model.look_up(ask)


@router.post(
    "/tags",
    status_code=201,
    summary="Add a tag from a few photos",
    description="Needs at least 3 different photos that show it; 20 are better. No other score changes. All later "
    "taggings have the tag; the command line has it too if it uses the same data folder.",
    responses={**declared_answer(responses.AddedTagAnswer, 201), **declared(*WITH_PHOTOS, 409, 507)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                FORM: _form(
                    {
                        PHOTOS: "Photos that show the tag.",
                        COUNTEREXAMPLES: "Photos that look like it and do not show it.",
                    },
                    least=MIN_EXAMPLES,
                )
            },
        }
    },
)
async def add_tag(request: Request, options: Annotated[parameters.NewTagOptions, Query()]) -> Response:
    service, language = service_of(request), language_of(request, options.language)
    model = _changeable(service.model(options.model))
    parents = [language.tag_of(parent) for parent in options.parent]
    with service.admission.ticket() as ticket, _library_errors_as_problems():
        uploads = await read_uploads(request, service.limits, ticket, (PHOTOS, COUNTEREXAMPLES), alone=False)
        shown, others = (
            [upload.content for upload in uploads if upload.field == field] for field in (PHOTOS, COUNTEREXAMPLES)
        )
        async with service.in_time(request):
            try:
                added = await model.add_tag(options.name, shown, others, parents)
            except NewTagError as error:
                if not await model.look_up(lambda taggers: normalise(options.name) in taggers.default.tags):
                    raise
                raise Problem(409, "tag-exists", str(error)) from error
    return answer(responses.added_tag(model, added), 201)


def _changeable(model: ModelWorker) -> ModelWorker:
    if not model.additions:
        raise Problem(
            403, "fixed-tags", "The tags of this service cannot be changed: it was started with --no-additions"
        )
    return model


@router.delete(
    "/tags/{name}",
    status_code=204,
    summary="Remove an added tag",
    response_class=Response,
    responses=declared(*ALWAYS, 403, 404, 422, 503, 507),
)
async def remove_tag(
    request: Request,
    name: Annotated[str, Path(max_length=LONGEST_NAME)],
    options: Annotated[parameters.ModelOptions, Query()],
) -> Response:
    service = service_of(request)
    model = _changeable(service.model(options.model))
    with _library_errors_as_problems():
        async with service.in_time(request):
            if not await model.look_up(lambda taggers: _is_added(taggers, name)):
                raise Problem(404, "unknown-tag", f'No tag "{normalise(name)}" was added to {model.name}')
            await model.remove_tag(name)
    return Response(status_code=204)


def _is_added(taggers: Taggers, name: str) -> bool:
    return normalise(name) in {tag.name for tag in taggers.default.additions}
