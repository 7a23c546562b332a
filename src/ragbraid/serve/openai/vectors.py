"""`/v1/embeddings` and `/v1/rerank`: a pipeline's embedder and its reranker, by themselves."""

from __future__ import annotations

import base64
import uuid
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.serve.clients import Client, client_of
from ragbraid.serve.documented import V1
from ragbraid.serve.failures import Refused
from ragbraid.serve.openai.schema import EmbeddingRequest, RerankRequest
from ragbraid.serve.replies import Reply
from ragbraid.serve.shelf import Served, Shelf
from ragbraid.serve.site import site_of

router = APIRouter(prefix="/v1", tags=["OpenAI"], responses=V1)


@router.post("/embeddings", summary="Embed texts", response_model=None)
async def embeddings(asked: EmbeddingRequest, http: Request) -> Response:
    """Gives the vectors of texts by the embedder of the pipeline that `model` belongs to.

    `model` is one of `/v1/models`, or a pipeline's name. Tokens aren't counted: the usage tells words.
    """
    site, client = site_of(http), client_of(http)
    served = _served(site.shelf, asked.model, client)
    texts = [asked.input] if isinstance(asked.input, str) else asked.input
    if any(not each.strip() for each in texts):
        raise Refused(400, "input: a text is empty.", param="input")
    if any("\ud800" <= sign <= "\udfff" for each in texts for sign in each):
        raise Refused(400, "input: half a surrogate pair isn't a character.", param="input")

    def embed(pipeline: Pipeline) -> Any:
        embedder = pipeline.part("embedder", timeout=site.settings.timeout)
        if asked.dimensions not in (None, embedder.dimensions):
            raise Refused(400, f"dimensions: this embedder has {embedder.dimensions}.", param="dimensions")
        return embedder.embed(texts, asked.input_type)

    vectors = await site.work.call(http, client, served, embed)
    told = [
        {"object": "embedding", "index": place, "embedding": _written(each, asked.encoding_format)}
        for place, each in enumerate(vectors)
    ]
    words = sum(len(each.split()) for each in texts)
    usage = {"prompt_tokens": words, "total_tokens": words}
    return Reply({"object": "list", "data": told, "model": asked.model, "usage": usage})


@router.post("/rerank", summary="Rank texts", response_model=None)
async def rerank(asked: RerankRequest, http: Request) -> Response:
    """Orders texts for a question by the last reranker of the pipeline's `search`.

    Scores order the texts of one request; what they mean beyond that is the reranker's.
    """
    site, client = site_of(http), client_of(http)
    served = _served(site.shelf, asked.model, client)

    def rank(pipeline: Pipeline) -> list[tuple[int, float]]:
        return pipeline.rerank(asked.query, asked.texts, timeout=site.settings.timeout)

    ranked = await site.work.call(http, client, served, rank)
    results = [
        {
            "index": place,
            "relevance_score": score,
            **({"document": {"text": asked.texts[place]}} if asked.return_documents else {}),
        }
        for place, score in ranked[: asked.top_n]
    ]
    return Reply({"id": f"rerank-{uuid.uuid4().hex}", "model": asked.model, "results": results})


@router.get("/models", summary="List the models", response_model=None)
async def models(http: Request) -> Response:
    """Lists the flows that end in an answer: each is a model."""
    found = site_of(http).shelf.models(client_of(http))
    return Reply({"object": "list", "data": [_model(each.id) for each in found]})


@router.get("/models/{model:path}", summary="Look at a model", response_model=None)
async def model(model: str, http: Request) -> Response:
    """Tells a model by its id."""
    return Reply(_model(site_of(http).shelf.model(model, client_of(http)).id))


def _model(id: str) -> dict[str, Any]:  # noqa: A002 - what OpenAI calls it
    return {"id": id, "object": "model", "created": 0, "owned_by": "ragbraid"}


def _served(shelf: Shelf, name: str, client: Client) -> Served:
    """The pipeline that a model belongs to, or that has that name. Raises `Refused`."""
    client.demand("search")
    return shelf.all[name] if name in shelf.all else shelf.model(name, client).served


def _written(vector: Any, how: str | None) -> Any:
    if how == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return [float(each) for each in vector]
